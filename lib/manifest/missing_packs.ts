/**
 * What a reader still has to fetch.
 *
 * @module
 */
import { packGroups } from "./pack_groups.ts";
import type { PackRef } from "./types.ts";

/** What a store holds. */
export interface Held {
  /** SHA-256 of packs that are there whole. */
  readonly packs: ReadonlySet<string>;
  /** Object ids that are there together with everything they reach. */
  readonly objects: ReadonlySet<string>;
}

/**
 * The packs of `manifest` to fetch, in its order: all but those that are held, and groups whose tips
 * are, since everything in a group of packs is reachable from its tips.
 *
 * Holding the tips of one pack says nothing of the packs before it. After a forced push and back,
 * later packs build on commits that the tips in between do not reach.
 */
export function missingPacks<Pack extends Pick<PackRef, "sha256" | "tips">>(
  manifest: { readonly packs: readonly Pack[] },
  has: Held,
): Pack[] {
  return packGroups(manifest.packs).flatMap((group) => {
    const { tips } = group.at(-1)!;
    // Packs without tips would seem to be held by everybody.
    if (tips.length > 0 && tips.every((tip) => has.objects.has(tip))) return [];
    return group.filter(({ sha256 }) => !has.packs.has(sha256));
  });
}
