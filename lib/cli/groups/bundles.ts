/**
 * Verbs for repositories that are carried by hand.
 *
 * @module
 */
import { JSON_OPTION, type Verb } from "../verb.ts";

/** In the order that help lists them. */
export const BUNDLES: readonly Verb[] = [
  {
    name: "bundle export",
    summary: "write a repository into one file, to carry it by hand",
    operands: [
      {
        form: "<repository>",
        about: "an address, or the name of a repository that you share",
        offer: "shared repository",
      },
      { form: "<file>", about: "the bundle to write; one that is there is replaced" },
    ],
    options: [JSON_OPTION],
    details: [
      "The file holds what the address leads to, signed by its publisher, and so is as good as the " +
      "network: nobody on its way can change it unnoticed. What is newest is fetched first; where " +
      "nobody answers, the copy kept here is what is written. git's own: git bundle.",
    ],
    examples: [{
      command: "gtr bundle export hello /media/usb/hello.gtr",
      about: "to a usb stick",
    }],
    load: () => import("../verbs/bundle_export.ts"),
  },
  {
    name: "bundle import",
    summary: "take over the repository in such a file, and print its address",
    operands: [{ form: "<file>", about: "a file that gtr bundle export made" }],
    options: [JSON_OPTION],
    details: [
      "Signature, sequence, hashes and completeness are checked as for what a network delivers. From " +
      "then on the repository is followed, as by gtr follow, and git clone <address> works with no " +
      "network at all.",
    ],
    examples: [{ command: "gtr bundle import /media/usb/hello.gtr", about: "from a usb stick" }],
    load: () => import("../verbs/bundle_import.ts"),
  },
];
