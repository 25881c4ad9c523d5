/**
 * Verbs for what one shares oneself.
 *
 * @module
 */
import { FLOW_DETAILS, FLOW_OPTION } from "../flow.ts";
import { JSON_OPTION, type Verb } from "../verb.ts";

/** In the order that help lists them. */
export const SHARING: readonly Verb[] = [
  {
    name: "init",
    summary: "share a repository and print its address",
    operands: [{
      form: "[dir]",
      about: "the repository's folder (default: the current one)",
      offer: "directory",
    }],
    options: [
      { form: "--name <name>", about: "last part of the address (default: the folder's name)" },
      { form: "--description <text>", about: "one line about it, for readers" },
      { form: "--replace", about: "replace whatever is published at its address" },
      FLOW_OPTION,
      JSON_OPTION,
    ],
    details: [
      "Shares the branch that HEAD names, even before its first commit. If the folder is not the " +
      "top of a repository, it is made one first, as by git init.",
      "From then on gtd publishes each commit on its own: there is no push to remember. Only " +
      "shared branches, and the tags on them, leave this computer.",
      "The address is looked up on all networks, whichever it names; gtr list shows the others.",
      "Running it again changes nothing and prints the address again. It refuses to publish over " +
      "what another machine with your key has published and this one can't fetch, and over another " +
      "repository's history; with --replace readers get what is here instead.",
      ...FLOW_DETAILS,
    ],
    examples: [
      { command: "gtr init", about: "share the current folder's repository" },
      { command: "gtr init --name hello ~/src/hello-2", about: "under a name of your choice" },
    ],
    load: () => import("../verbs/init.ts"),
  },
  {
    name: "share",
    summary: "share more branches of this repository",
    operands: [{
      form: "[branch...]",
      about: "branches to add (default: the current one)",
      offer: "branch",
    }],
    options: [
      { form: "--tags", about: "share every tag, with all commits it needs" },
      { form: "--no-tags", about: "share only tags on shared branches, as at first" },
      FLOW_OPTION,
      JSON_OPTION,
    ],
    details: [
      "Prints the repository's address. With --tags, --no-tags or --flow and no branch, a " +
      "repository that is shared already keeps its branches.",
      ...FLOW_DETAILS,
    ],
    examples: [
      { command: "gtr share main next", about: "share two branches" },
      { command: "gtr share --tags", about: "share every tag as well" },
      { command: "gtr share --flow announce", about: "serve it live only, from now on" },
    ],
    load: () => import("../verbs/share.ts"),
  },
  {
    name: "list",
    summary: "list what you share",
    operands: [],
    options: [JSON_OPTION],
    details: [
      "One line for each shared branch of all your repositories, with its flow and addresses.",
    ],
    examples: [{ command: "gtr list --json", about: "the same, for programs" }],
    load: () => import("../verbs/list.ts"),
  },
  {
    name: "remove",
    summary: "stop sharing branches, or a whole repository",
    operands: [{
      form: "[branch...]",
      about: "branches of this repository to stop sharing",
      offer: "shared branch",
    }],
    options: [
      {
        form: "--repository <name>",
        about: "stop sharing all of a repository, even if its folder is gone",
        offer: "shared repository",
      },
      JSON_OPTION,
    ],
    details: [
      "What only these branches need is taken out of the published copy. Your own repository is " +
      "not touched, and readers keep what they have fetched.",
      "If no branch is left, the repository is no longer shared.",
    ],
    examples: [
      { command: "gtr remove next", about: "stop sharing the branch next" },
      { command: "gtr remove --repository hello", about: "stop sharing hello" },
    ],
    load: () => import("../verbs/remove.ts"),
  },
  {
    name: "pack",
    summary: "show the packs that publishing would make",
    operands: [],
    options: [JSON_OPTION],
    details: ["Publishes nothing. For each pack: SHA-256, infohash, bytes, objects, magnet link."],
    examples: [{ command: "gtr pack --json", about: "the same, for programs" }],
    load: () => import("../verbs/pack.ts"),
  },
];
