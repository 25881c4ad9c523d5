/**
 * Which packs a repository will consist of. Pure.
 *
 * @module
 */
import { isAnnounced } from "../manifest/flow.ts";
import { endOfGroups } from "../manifest/pack_groups.ts";
import type { Manifest, PackRef } from "../manifest/types.ts";
import { without } from "./repo_state.ts";

/** The packs of a repository after a manifest was accepted, in the order they are checked in. */
export interface Arrangement {
  readonly packs: readonly PackRef[];
  /** So many of them, from the first on, were checked before in this very order. */
  readonly trusted: number;
}

/**
 * Joins what the store holds with what was fetched.
 *
 * If all packs of the manifest are at hand, the repository will be exactly those. Else the
 * reader skipped packs whose content it has from others, or there are none to fetch, and it keeps all
 * it has, but for those behind one that is lost: they may need it, and nothing was skipped for them.
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
  const atHand = wanted.packs.filter(({ sha256 }) => fetched.has(sha256) || whole.has(sha256));
  const complete = !isAnnounced(wanted) && atHand.length === wanted.packs.length;
  const held = unbroken(stored, whole);
  const packs = complete ? wanted.packs : [...held, ...without(atHand, held)];
  const differs = packs.findIndex((pack, i) =>
    pack.sha256 !== stored[i]?.sha256 || !whole.has(pack.sha256)
  );
  // Packs that were made as one may name one another's objects, so they were checked as one.
  const same = stored.slice(0, differs < 0 ? packs.length : differs);
  return { packs, trusted: endOfGroups(same) };
}

/** The packs before the first group that has lost one: nothing is missing behind what is in them. */
export function unbroken(
  stored: readonly PackRef[],
  whole: ReadonlySet<string>,
): readonly PackRef[] {
  const gap = stored.findIndex(({ sha256 }) => !whole.has(sha256));
  return gap < 0 ? stored : stored.slice(0, endOfGroups(stored.slice(0, gap)));
}
