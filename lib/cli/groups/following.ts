/**
 * Verbs for others' repositories.
 *
 * @module
 */
import { JSON_OPTION, type Verb } from "../verb.ts";

/** In the order that help lists them. */
export const FOLLOWING: readonly Verb[] = [
  {
    name: "follow",
    summary: "keep a copy of someone's repository up to date, and pass it on",
    operands: [{ form: "[address]", about: "what to follow (default: list what is followed)" }],
    options: [
      {
        form: "--branches <names>",
        about: "update the copy only when one of these changes, such as main,dev (default: any)",
      },
      JSON_OPTION,
    ],
    details: [
      "Fetches the repository into gtd's store. From then on peers tell gtd of each publication. It " +
      "also looks for one from time to time, and keeps the old state while nobody answers.",
      "With --branches the copy is brought up to date when one of those branches is moved, created " +
      "or deleted. Publications that change only other branches or tags are not fetched. The copy is " +
      "always whole, with all branches, as of the last publication that mattered, and is passed on " +
      "as such; git fetch still brings everything up to date. Following again replaces the names; " +
      "without --branches it is any branch again.",
      "What does not fit into store.repositoryQuota and store.quota is refused before it is " +
      "fetched. To make room, copies that were only cloned are evicted, the least recently used " +
      "first; never what is followed, and never your own.",
    ],
    examples: [
      { command: "gtr follow torrent://bob/tools", about: "help Bob keep his tools available" },
      {
        command: "gtr follow torrent://bob/tools --branches main,stable",
        about: "only as these two change",
      },
      { command: "gtr follow", about: "what is followed, and its newest state here" },
    ],
    load: () => import("../verbs/follow.ts"),
  },
  {
    name: "unfollow",
    summary: "stop following a repository and remove its copy",
    operands: [{ form: "<address>", about: "the repository to stop following" }],
    options: [
      { form: "--keep", about: "keep the copy, as if it had only been cloned" },
      JSON_OPTION,
    ],
    details: [
      "Also removes the copy of a repository that was only cloned. Your clones are not touched.",
    ],
    examples: [
      { command: "gtr unfollow torrent://bob/tools", about: "stop, and free its space" },
    ],
    load: () => import("../verbs/unfollow.ts"),
  },
  {
    name: "who",
    summary: "say which peers have a commit",
    operands: [{
      form: "<commit>",
      about: "any name that git knows here, or a full object id",
      offer: "branch",
    }],
    options: [
      {
        form: "--repository <address>",
        about: "only this repository (default: all that are published or kept here)",
      },
      JSON_OPTION,
    ],
    details: [
      "For each repository in gtd's store whose published state contains the commit, gtd asks the " +
      "connected peers, those that the repository's endpoints and the DHT name, and https servers. " +
      "HAS IT is yes if a peer says that it has every pack up to the commit's, claimed if it says " +
      "only that it has the publication, and older if it says neither.",
      "These are the peers' own words: they say where copies should be, and prove nothing. Readers " +
      "that are offline, or pass on nothing, are not seen.",
      'With --json: {"commit", "repositories": [{"address", "sequence", "peers": [{"network", ' +
      '"peer", "sequence", "has"}]}]}.',
    ],
    examples: [
      { command: "gtr who HEAD", about: "whether others have the last commit" },
      { command: "gtr who v1.0 --repository torrent://bob/tools", about: "of one repository" },
    ],
    load: () => import("../verbs/who.ts"),
  },
];
