/**
 * Which packs a repository will consist of. Pure.
 *
 * @module
 */
import { isAnnounced } from "../manifest/flow.ts";
import { endOfGroups } from "../manifest/pack_groups.ts";
import type { Manifest, PackRef } from "../manifest/types.ts";

/** The packs of a repository after a manifest was accepted, in the order they are checked in. */
export interface Arrangement {
  readonly packs: readonly PackRef[];
  /** So many of them, from the first on, were checked before in this very order. */
  readonly trusted: number;
}

/**
 * Joins what the store holds with what was fetched.
 *
 * Where all packs of the manifest are at hand, the repository will be exactly those. Else the
 * reader skipped packs whose content it has from others, or there are none to fetch, and it keeps all
 * it has.
 *
 * @param wanted the manifest, with its packs
 * @param stored those of the repository's state
 * @param whole SHA-256 of the stored packs that are on disk
 * @param fetched SHA-256 of packs that were fetched
 */
export function arrangePacks(
  wanted: Pick<Manifest, "packs" | "flow">,
  stored: readonly PackRef[],
  whole: ReadonlySet<string>,
  fetched: ReadonlySet<string>,
): Arrangement {
  const held = stored.filter(({ sha256 }) => whole.has(sha256));
  const fresh = wanted.packs.filter(({ sha256 }) => fetched.has(sha256) && !whole.has(sha256));
  const complete = !isAnnounced(wanted) &&
    wanted.packs.every(({ sha256 }) => fetched.has(sha256) || whole.has(sha256));
  const packs = complete ? wanted.packs : [...held, ...fresh];
  const differs = packs.findIndex((pack, i) =>
    pack.sha256 !== stored[i]?.sha256 || !whole.has(pack.sha256)
  );
  // Packs that were made as one may name one another's objects, so they were checked as one.
  const same = stored.slice(0, differs < 0 ? packs.length : differs);
  return { packs, trusted: endOfGroups(same) };
}
