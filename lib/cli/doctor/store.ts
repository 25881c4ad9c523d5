/**
 * Whether what is in the store is whole.
 *
 * @module
 */
import { inspectKey, publisherId } from "../../identity/keys.ts";
import { repositoryFault } from "../../store/health.ts";
import { RefusedList } from "../../store/refused.ts";
import { Store } from "../../store/store.ts";
import type { StoredRepository } from "../../store/stored_repository.ts";
import { formatBytes } from "../output.ts";
import { type Check, failed, type Finding, ok, warning } from "./check.ts";

export const store: Check = {
  what: "store",
  ms: 10_000,
  run: async ({ call: { home } }, signal) => {
    const own = (await inspectKey(home.identity).catch(() => undefined))?.publicKeyHex;
    const found: Finding[] = [];
    let [sound, bytes] = [0, 0];
    for (const repository of await new Store(home).repositories()) {
      signal.throwIfAborted();
      const finding = await look(repository, repository.publisher === own);
      if (finding) found.push(finding);
      else {
        sound++;
        bytes += (await repository.packs()).reduce((sum, { pack }) => sum + pack.size, 0);
      }
    }
    for (const { publisher, name, why } of await new RefusedList(home).all()) {
      const id = publisherId(Uint8Array.fromHex(publisher));
      const hint = "git clone, or git fetch in a clone, takes it all the same";
      found.push(warning(`store ${id}/${name}`, `not brought up to date: ${why}`, hint));
    }
    const count = sound === 1 ? "1 repository" : `${sound} repositories`;
    if (sound > 0 || found.length === 0) {
      found.unshift(ok("store", `${count}, ${formatBytes(bytes)}`));
    }
    return found;
  },
};

async function look(repository: StoredRepository, own: boolean): Promise<Finding | undefined> {
  const fault = await repositoryFault(repository);
  if (!fault) return undefined;
  const id = publisherId(Uint8Array.fromHex(repository.publisher));
  const what = `store ${id}/${repository.name}`;
  const anew = own
    ? "gtr share in the folder that it is published from makes it anew"
    : "git fetch in a clone of it brings it again";
  return fault.kind === "empty" ? warning(what, fault.why, anew) : failed(what, fault.why, anew);
}
