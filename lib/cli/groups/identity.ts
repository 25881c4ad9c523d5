/**
 * Verbs for who one is, and who others are.
 *
 * @module
 */
import { JSON_OPTION, type Verb } from "../verb.ts";

/** In the order that help lists them. */
export const IDENTITY: readonly Verb[] = [
  {
    name: "setup",
    summary: "prepare this user's folder, identity and settings",
    operands: [],
    options: [JSON_OPTION],
    details: [
      "Other commands do this by themselves when they need it. It also checks that git is there " +
      "and new enough.",
    ],
    examples: [{ command: "gtr setup", about: "prepare, and say what was there and what is new" }],
    load: () => import("../verbs/setup.ts"),
  },
  {
    name: "id",
    summary: "show who you are to others",
    operands: [],
    options: [JSON_OPTION],
    details: [
      "Prints your id: the SHA-1 of your public key, and the first part of all your addresses. " +
      "The key pair is made on first use.",
    ],
    examples: [{ command: "gtr id --json", about: "id and public key" }],
    load: () => import("../verbs/id.ts"),
  },
  {
    name: "name add",
    summary: "give a publisher a name of your own",
    operands: [
      { form: "<name>", about: "what you call them" },
      { form: "<publisher>", about: "their id, public key, or any of their addresses" },
    ],
    options: [],
    details: ["torrent://<name>/<repository> then works wherever an address does, in git too."],
    examples: [
      {
        command: "gtr name add bob 3f1c9a0e5b7d2c4f6a8b0d1e3f5a7c9b1d3e5f70",
        about: "git clone torrent://bob/hello works now",
      },
    ],
    load: () => import("../verbs/name_add.ts"),
  },
  {
    name: "name import",
    summary: "give a publisher the name that a domain gives them",
    operands: [{ form: "<user@domain>", about: "the name there" }],
    options: [
      { form: "--as <name>", about: "what you call them (default: the user)" },
      { form: "--accept-change", about: "even if it stood for another publisher before" },
      JSON_OPTION,
    ],
    details: [
      "Asks https://<domain>/.well-known/gtr.json whom the name stands for, prints their id and " +
      "keeps it: the name leads to them from then on, whatever the domain says later. Compare " +
      "the id with them over another channel.",
      "torrent://<user>@<domain>/<repository> works without it. The domain is then asked again, at " +
      "most once an hour; if it says that the name has another key, nothing is fetched until you " +
      "accept that with --accept-change.",
    ],
    examples: [
      { command: "gtr name import alice@example.org", about: "torrent://alice/hello works now" },
      { command: "gtr name import alice@example.org --as al", about: "under another name" },
    ],
    load: () => import("../verbs/name_import.ts"),
  },
  {
    name: "name remove",
    summary: "forget the name of a publisher",
    operands: [{ form: "<name>", about: "what you called them", offer: "petname" }],
    options: [],
    details: [],
    examples: [{ command: "gtr name remove bob", about: "forget bob" }],
    load: () => import("../verbs/name_remove.ts"),
  },
  {
    name: "name list",
    summary: "list the names you gave",
    operands: [],
    options: [JSON_OPTION],
    details: ["Imported names are listed with the domain that gave them."],
    examples: [{ command: "gtr name list", about: "names, and whom they stand for" }],
    load: () => import("../verbs/name_list.ts"),
  },
];
