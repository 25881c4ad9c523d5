/**
 * Every verb of gtr, by the words that call it, each in a file of its own with its declaration and its
 * code. Those of a network are in its folder.
 *
 * @module
 */
import type { NetworkVerb } from "../common/verb.ts";
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

/** All of them, those of the networks at the end. */
export const VERBS: Verbs = {
  async names(word) {
    const own = [...TABLE.keys()].filter((name) => word === undefined || firstWord(name) === word);
    if (word !== undefined && own.length > 0) return own;
    return [...own, ...(await networkVerbs(word)).keys()];
  },
  async load(name) {
    const own = TABLE.get(name);
    const verb = own
      ? (await own()).verb
      : await (await networkVerbs(firstWord(name))).get(name)!();
    return { name, ...verb };
  },
};

function firstWord(name: string): string {
  return name.split(" ")[0]!;
}

/**
 * What loads the verbs of a network, by their names; of all networks without `word`.
 *
 * @throws {RequestError} "network-left-out" if it is a network that another build can have
 */
async function networkVerbs(word?: string): Promise<ReadonlyMap<string, () => Promise<Verb>>> {
  const { ALL_NETWORKS } = await import("../transports/all.ts");
  if (word !== undefined) {
    const { checkLeftOut } = await import("../transports/known.ts");
    checkLeftOut(`${word}://`, ALL_NETWORKS.map(({ scheme }) => scheme));
  }
  const found = new Map<string, () => Promise<Verb>>();
  for (const { scheme, verbs } of ALL_NETWORKS) {
    if (!verbs || (word !== undefined && word !== scheme)) continue;
    for (const [name, load] of Object.entries(await verbs())) {
      found.set(`${scheme} ${name}`, async () => verbOf(scheme, (await load()).verb));
    }
  }
  return found;
}

function verbOf(scheme: string, verb: NetworkVerb): Verb {
  return {
    ...verb,
    async run(call) {
      const { networkCall } = await import("./network_call.ts");
      await verb.run(networkCall(scheme, call));
    },
  };
}
