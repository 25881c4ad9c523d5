/**
 * Verbs for keys and names on Nostr.
 *
 * @module
 */
import { JSON_OPTION, type Verb } from "../verb.ts";

/** In the order that help lists them. */
export const NOSTR: readonly Verb[] = [
  {
    name: "nostr login",
    summary: "publish on Nostr with a key that you have",
    operands: [],
    noOperands: "never write a key into a command: others can see it. It is asked for",
    options: [JSON_OPTION],
    details: [
      "Asks for the key without showing it, or reads it from a pipe: nsec1..., ncryptsec1... (NIP-49; " +
      "its password is asked for next) or the bunker://... address of a program that signs (NIP-46). " +
      "Prints the public key.",
      "It is written into your git configuration, where ngit looks for it too: nostr.nsec, or " +
      "nostr.bunker-uri and nostr.bunker-app-key, and nostr.npub, in a file that only you can read " +
      "from then on. An nsec1... is in plain text there; an ncryptsec1... stays encrypted, and gtd " +
      "gets its password: see gtr nostr unlock. gtd uses the key at once.",
      "Without it, gtr publishes on Nostr with a key derived from your identity. Readers need none.",
    ],
    examples: [
      { command: "gtr nostr login", about: "type the key, unseen" },
    ],
    load: () => import("../verbs/nostr_login.ts"),
  },
  {
    name: "nostr unlock",
    summary: "give gtd the password of your key for Nostr",
    operands: [],
    noOperands: "never write a password into a command: others can see it. It is asked for",
    options: [],
    details: [
      "For a key in git's configuration that is encrypted (ncryptsec1..., NIP-49). Asks for its " +
      "password without showing it, or reads it from a pipe, tries it and hands it to gtd, which is " +
      "started if needed. gtd keeps it in memory only, until it stops or gtr nostr logout. What " +
      "was waiting for the key is published at once.",
      "If systemd starts gtd, it can give it the password: see docs/networks/nostr.md.",
    ],
    examples: [{ command: "gtr nostr unlock", about: "type the password, unseen" }],
    load: () => import("../verbs/nostr_unlock.ts"),
  },
  {
    name: "nostr logout",
    summary: "remove the key for Nostr from git's configuration",
    operands: [],
    options: [],
    details: [
      "From then on, gtr publishes with a key derived from your identity. What was published stays. " +
      "gtd forgets the key, and its password, at once.",
    ],
    examples: [{ command: "gtr nostr logout", about: "remove it" }],
    load: () => import("../verbs/nostr_logout.ts"),
  },
  {
    name: "nostr whoami",
    summary: "print your public key on Nostr, and where the secret one is",
    operands: [],
    options: [JSON_OPTION],
    details: ["Contacts nobody, unless the key is a bunker's and nostr.npub is not set."],
    examples: [{ command: "gtr nostr whoami", about: "npub1..." }],
    load: () => import("../verbs/nostr_whoami.ts"),
  },
  {
    name: "nostr trust",
    summary: "accept the key that a domain gives one of its names",
    operands: [{ form: "<user@domain>", about: "the name there (NIP-05)" }],
    options: [JSON_OPTION],
    details: [
      "The first time that an address such as nostr://<user>@<domain>/<repository> is used, gtr " +
      "remembers the key that the domain gives the name, and refuses another one from then on. This " +
      "asks https://<domain>/.well-known/nostr.json again, prints the public key and believes it. " +
      "Compare the key with its owner over another channel.",
    ],
    examples: [{ command: "gtr nostr trust alice@example.org", about: "npub1..." }],
    load: () => import("../verbs/nostr_trust.ts"),
  },
];
