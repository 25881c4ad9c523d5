/**
 * Every verb of gtr: the one place that help, manual pages and completions are made from.
 *
 * @module
 */
import { FLOW_DETAILS, FLOW_OPTION } from "./flow.ts";
import type { Option, Verb } from "./verb.ts";

const JSON_OPTION: Option = { form: "--json", about: "print JSON, for programs" };

/** All verbs, in the order that help lists them. Any other word is a git command. */
export const VERBS: readonly Verb[] = [
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
      FLOW_OPTION,
      JSON_OPTION,
    ],
    details: [
      "Shares the branch that HEAD names, also before its first commit. A folder that is not the " +
      "top of a repository is made one first, as git init does.",
      "From then on gtd publishes each commit on its own: there is no push to remember. Only " +
      "shared branches, and the tags on them, leave this computer.",
      "Running it again changes nothing and prints the address again.",
      ...FLOW_DETAILS,
    ],
    examples: [
      { command: "gtr init", about: "share the current folder's repository" },
      { command: "gtr init --name hello ~/src/hello-2", about: "under a name of your choice" },
    ],
    load: () => import("./verbs/init.ts"),
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
    load: () => import("./verbs/share.ts"),
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
    load: () => import("./verbs/list.ts"),
  },
  {
    name: "remove",
    summary: "stop sharing branches, or a whole repository",
    operands: [{
      form: "[branch...]",
      about: "branches of this repository to share no longer",
      offer: "shared branch",
    }],
    options: [
      {
        form: "--repository <name>",
        about: "stop sharing all of a repository, also if its folder is gone",
        offer: "shared repository",
      },
      JSON_OPTION,
    ],
    details: [
      "What only these branches need is taken out of the published copy. Your own repository is " +
      "not touched, and readers keep what they have fetched.",
      "Without any branch left the repository is no longer shared.",
    ],
    examples: [
      { command: "gtr remove next", about: "stop sharing the branch next" },
      { command: "gtr remove --repository hello", about: "stop sharing hello" },
    ],
    load: () => import("./verbs/remove.ts"),
  },
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
    load: () => import("./verbs/follow.ts"),
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
    load: () => import("./verbs/unfollow.ts"),
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
    load: () => import("./verbs/who.ts"),
  },
  {
    name: "pack",
    summary: "show the packs that publishing would make",
    operands: [],
    options: [JSON_OPTION],
    details: ["Publishes nothing. For each pack: SHA-256, infohash, bytes, objects, magnet link."],
    examples: [{ command: "gtr pack --json", about: "the same, for programs" }],
    load: () => import("./verbs/pack.ts"),
  },
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
    load: () => import("./verbs/setup.ts"),
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
    load: () => import("./verbs/id.ts"),
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
    load: () => import("./verbs/name_add.ts"),
  },
  {
    name: "name import",
    summary: "give a publisher the name that a domain gives them",
    operands: [{ form: "<user@domain>", about: "the name there" }],
    options: [
      { form: "--as <name>", about: "what you call them (default: the user)" },
      { form: "--accept-change", about: "also if it stood for another publisher before" },
      JSON_OPTION,
    ],
    details: [
      "Asks https://<domain>/.well-known/gtr.json whom the name stands for, prints their id and " +
      "keeps it: the name leads to them from then on, whatever the domain says later. Compare " +
      "the id with them by another way.",
      "torrent://<user>@<domain>/<repository> works without it. The domain is then asked again, at " +
      "most once an hour; where it says that the name has another key, nothing is fetched until " +
      "you accept that with --accept-change.",
    ],
    examples: [
      { command: "gtr name import alice@example.org", about: "torrent://alice/hello works now" },
      { command: "gtr name import alice@example.org --as al", about: "under another name" },
    ],
    load: () => import("./verbs/name_import.ts"),
  },
  {
    name: "name remove",
    summary: "forget the name of a publisher",
    operands: [{ form: "<name>", about: "what you called them", offer: "petname" }],
    options: [],
    details: [],
    examples: [{ command: "gtr name remove bob", about: "forget bob" }],
    load: () => import("./verbs/name_remove.ts"),
  },
  {
    name: "name list",
    summary: "list the names you gave",
    operands: [],
    options: [JSON_OPTION],
    details: ["For those that were imported also the name at a domain that they come from."],
    examples: [{ command: "gtr name list", about: "names, and whom they stand for" }],
    load: () => import("./verbs/name_list.ts"),
  },
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
      "Without it, gtr publishes on Nostr with a key that comes of your identity. Readers need none.",
    ],
    examples: [
      { command: "gtr nostr login", about: "type the key, unseen" },
    ],
    load: () => import("./verbs/nostr_login.ts"),
  },
  {
    name: "nostr unlock",
    summary: "give gtd the password of your key for Nostr",
    operands: [],
    noOperands: "never write a password into a command: others can see it. It is asked for",
    options: [],
    details: [
      "For a key in git's configuration that is encrypted (ncryptsec1..., NIP-49). Asks for its " +
      "password without showing it, or reads it from a pipe, tries it and hands it to gtd, which " +
      "starts if need be. gtd keeps it in memory only, until it stops or gtr nostr logout; what " +
      "waited to be published is, at once.",
      "Where gtd starts by itself, systemd can give it the password: see docs/networks/nostr.md.",
    ],
    examples: [{ command: "gtr nostr unlock", about: "type the password, unseen" }],
    load: () => import("./verbs/nostr_unlock.ts"),
  },
  {
    name: "nostr logout",
    summary: "remove the key for Nostr from git's configuration",
    operands: [],
    options: [],
    details: [
      "From then on, gtr publishes with a key that comes of your identity. What was published stays. " +
      "gtd forgets the key, and its password, at once.",
    ],
    examples: [{ command: "gtr nostr logout", about: "remove it" }],
    load: () => import("./verbs/nostr_logout.ts"),
  },
  {
    name: "nostr whoami",
    summary: "print your public key on Nostr, and where the secret one is",
    operands: [],
    options: [JSON_OPTION],
    details: ["Contacts nobody, unless the key is a bunker's and nostr.npub is not set."],
    examples: [{ command: "gtr nostr whoami", about: "npub1..." }],
    load: () => import("./verbs/nostr_whoami.ts"),
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
      "Compare the key with its owner by another way.",
    ],
    examples: [{ command: "gtr nostr trust alice@example.org", about: "npub1..." }],
    load: () => import("./verbs/nostr_trust.ts"),
  },
  {
    name: "status",
    summary: "show what gtd does: networks, repositories, peers",
    operands: [],
    options: [JSON_OPTION],
    details: ["Starts gtd if it doesn't run and daemon.autostart is true. git's own: git status."],
    examples: [{ command: "gtr status --json", about: "the same, for programs" }],
    load: () => import("./verbs/status.ts"),
  },
  {
    name: "doctor",
    summary: "check that all that gtr needs is there and works",
    operands: [],
    options: [JSON_OPTION],
    details: [
      "Checks git, the helpers on PATH, your files, the clock, the disk, gtd, its networks, the store " +
      "and what you share, all at once. Prints a line for each, ok, warning or failed, with a hint " +
      "of what to do; exit code 1 where something failed. It starts no gtd and mends nothing.",
      'With --json: {"ok": true, "checks": [{"what", "state", "why", "hint"}]}; state is one of ok, ' +
      "warning and failed, and hint may be absent.",
    ],
    examples: [{ command: "gtr doctor", about: "say what is wrong, and what to do" }],
    load: () => import("./verbs/doctor.ts"),
  },
  {
    name: "config",
    summary: "show or change settings",
    operands: [
      { form: "[name]", about: "a setting (default: list all)", offer: "setting" },
      { form: "[value]", about: "its new value (default: print the one in force)" },
    ],
    options: [
      { form: "--unset <name>", about: "back to the default", offer: "setting" },
      JSON_OPTION,
    ],
    details: [
      "The variable GTR_A_B overrides the setting a.b: GTR_TORRENT_PORT overrides torrent.port. " +
      "gtd reads settings when it starts, and again on SIGHUP. git's own settings: git config.",
    ],
    examples: [
      { command: "gtr config", about: "all settings, their values and where they come from" },
      { command: "gtr config torrent.port 6881", about: "use one port, for a firewall's sake" },
      {
        command: "gtr config seed.policy followed",
        about: "of others' repositories, pass on only what you follow",
      },
      { command: "gtr config --unset torrent.port", about: "use any free port again" },
    ],
    load: () => import("./verbs/config.ts"),
  },
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
    load: () => import("./verbs/bundle_export.ts"),
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
    load: () => import("./verbs/bundle_import.ts"),
  },
  {
    name: "daemon start",
    summary: "start gtd",
    operands: [],
    options: [JSON_OPTION],
    details: ["Does nothing where it runs already. Other commands start it when they need it."],
    examples: [{ command: "gtr daemon start", about: "start it now" }],
    load: () => import("./verbs/daemon_start.ts"),
  },
  {
    name: "daemon stop",
    summary: "stop gtd",
    operands: [],
    options: [JSON_OPTION],
    details: ["What you share can't be fetched from this computer until it runs again."],
    examples: [{ command: "gtr daemon stop", about: "stop it" }],
    load: () => import("./verbs/daemon_stop.ts"),
  },
  {
    name: "daemon status",
    summary: "say whether gtd runs; exit code 1 where it doesn't",
    operands: [],
    options: [JSON_OPTION],
    details: ["Never starts it."],
    examples: [{ command: "gtr daemon status", about: "version, process id and time it is up" }],
    load: () => import("./verbs/daemon_status.ts"),
  },
  {
    name: "daemon logs",
    summary: "print the end of gtd's log",
    operands: [],
    options: [
      { form: "-n, --lines <count>", about: "lines to print (default: 20)" },
      { form: "-f, --follow", about: "go on printing what is added" },
    ],
    details: [],
    examples: [{ command: "gtr daemon logs -f", about: "watch it work" }],
    load: () => import("./verbs/daemon_logs.ts"),
  },
  {
    name: "help",
    summary: "explain a verb",
    operands: [{
      form: "[verb...]",
      about: "a verb of gtr, or a command of git",
      offer: "verb",
    }],
    options: [],
    details: ["gtr <verb> -h prints the same."],
    examples: [{ command: "gtr help name add", about: "explain gtr name add" }],
    load: () => import("./verbs/help.ts"),
  },
];

/** The verb that these words name exactly. */
export function findVerb(words: readonly string[]): Verb | undefined {
  const name = words.join(" ");
  return VERBS.find((verb) => verb.name === name);
}

/** The verbs of a group: "name" has "name add", "name remove" and others. */
export function verbsOfGroup(word: string): readonly Verb[] {
  return VERBS.filter((verb) => verb.name.startsWith(`${word} `));
}
