/**
 * Every verb of gtr, by the words that call it, each in a file of its own with its declaration and its
 * code.
 *
 * @module
 */
import type { Verb, Verbs } from "./verb.ts";

type Load = () => Promise<{ readonly verb: Verb }>;

/** In the order that help lists them. Any other word is a git command. */
const TABLE: ReadonlyMap<string, Load> = new Map(Object.entries<Load>({
  "init": () => import("./verbs/init.ts"),
  "share": () => import("./verbs/share.ts"),
  "list": () => import("./verbs/list.ts"),
  "remove": () => import("./verbs/remove.ts"),
  "pack": () => import("./verbs/pack.ts"),
  "follow": () => import("./verbs/follow.ts"),
  "unfollow": () => import("./verbs/unfollow.ts"),
  "who": () => import("./verbs/who.ts"),
  "setup": () => import("./verbs/setup.ts"),
  "id": () => import("./verbs/id.ts"),
  "name add": () => import("./verbs/name_add.ts"),
  "name import": () => import("./verbs/name_import.ts"),
  "name remove": () => import("./verbs/name_remove.ts"),
  "name list": () => import("./verbs/name_list.ts"),
  "nostr login": () => import("./verbs/nostr_login.ts"),
  "nostr unlock": () => import("./verbs/nostr_unlock.ts"),
  "nostr logout": () => import("./verbs/nostr_logout.ts"),
  "nostr whoami": () => import("./verbs/nostr_whoami.ts"),
  "nostr trust": () => import("./verbs/nostr_trust.ts"),
  "bundle export": () => import("./verbs/bundle_export.ts"),
  "bundle import": () => import("./verbs/bundle_import.ts"),
  "status": () => import("./verbs/status.ts"),
  "doctor": () => import("./verbs/doctor.ts"),
  "config": () => import("./verbs/config.ts"),
  "daemon start": () => import("./verbs/daemon_start.ts"),
  "daemon stop": () => import("./verbs/daemon_stop.ts"),
  "daemon status": () => import("./verbs/daemon_status.ts"),
  "daemon logs": () => import("./verbs/daemon_logs.ts"),
  "help": () => import("./verbs/help.ts"),
}));

/** All of them. */
export const VERBS: Verbs = {
  names(word) {
    const isWanted = (name: string) => word === undefined || name.split(" ")[0] === word;
    return Promise.resolve([...TABLE.keys()].filter(isWanted));
  },
  async load(name) {
    return { name, ...(await TABLE.get(name)!()).verb };
  },
};
