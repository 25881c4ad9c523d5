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
      "Fetches the repository into gtd's store. From then on gtd hears of each publication from " +
      "other peers, looks for it now and then anyway, and keeps the old state while nobody answers.",
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
    operands: [{ form: "<address>", about: "what to follow no longer" }],
    options: [
      { form: "--keep", about: "keep the copy, as if it had been cloned only" },
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
      "For each repository in gtd's store whose published state contains the commit, the peers are " +
      "asked that are connected, that the repository's endpoints and the DHT name, and https " +
      "servers. HAS IT is yes where a peer says that it has every pack up to the commit's; claimed " +
      "where it says only that it has the publication; older where it says neither.",
      "It is what peers say of themselves: good to know where copies should be, no proof. Readers " +
      "who are offline, or pass on nothing, are not seen.",
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
