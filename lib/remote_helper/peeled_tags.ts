/**
 * What annotated tags are tags of.
 *
 * @module
 */
import type { SyncedState } from "../daemon/api.ts";
import { lookUpObjects } from "./held_objects.ts";
import type { LocalRepository } from "./local_repository.ts";

/**
 * For each annotated tag of `refs` the object it leads to, as far as that can be known.
 *
 * `git fetch` follows a tag whose commit it has. A manifest doesn't tell the commit, so the tag
 * itself is looked for: in `local`, and where it is new there, in the store.
 *
 * @param sync brings the store up to date; where it can't, new tags are left out
 */
export async function peeledTags(
  refs: Readonly<Record<string, string>>,
  local: LocalRepository,
  sync: () => Promise<SyncedState>,
  signal: AbortSignal,
): Promise<Map<string, string>> {
  const tags = Object.entries(refs).filter(([ref]) => ref.startsWith("refs/tags/"));
  const peeled = new Map<string, string>();
  const lookIn = async (place: { gitDir: string }, wanted: typeof tags): Promise<typeof tags> => {
    const found = await lookUpObjects(place, wanted.map(([, oid]) => `${oid}^{}`), signal);
    wanted.forEach(([ref, oid], i) => {
      const object = found[i];
      if (object && object.oid !== oid) peeled.set(ref, object.oid);
    });
    return wanted.filter((_, i) => found[i] === undefined);
  };
  const unknown = await lookIn(local, tags);
  if (unknown.length > 0) {
    const synced = await sync().catch(() => undefined); // a fetch will say what is wrong
    if (synced) await lookIn({ gitDir: synced.gitDir }, unknown);
  }
  return peeled;
}
