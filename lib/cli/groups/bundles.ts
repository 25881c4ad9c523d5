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
      { form: "<file>", about: "the bundle to write; an existing file is replaced" },
    ],
    options: [JSON_OPTION],
    details: [
      "The file holds what the address leads to, signed by its publisher: nobody who carries it can " +
      "change it unnoticed. The newest publication is fetched first; if nobody answers, the copy " +
      "kept here is written. git's own: git bundle.",
    ],
    examples: [{
      command: "gtr bundle export hello /media/usb/hello.gtr",
      about: "to a usb stick",
    }],
    load: () => import("../verbs/bundle_export.ts"),
  },
  {
    name: "bundle import",
    summary: "import a repository from such a file, and print its address",
    operands: [{ form: "<file>", about: "a file that gtr bundle export made" }],
    options: [JSON_OPTION],
    details: [
      "Signature, sequence, hashes and completeness are checked as for a fetch from a network. From " +
      "then on the repository is followed, as by gtr follow, and git clone <address> works with no " +
      "network at all.",
    ],
    examples: [{ command: "gtr bundle import /media/usb/hello.gtr", about: "from a usb stick" }],
    load: () => import("../verbs/bundle_import.ts"),
  },
];
