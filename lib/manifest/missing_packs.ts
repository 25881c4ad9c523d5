/**
 * What a reader still has to fetch.
 *
 * @module
 */
import type { PackRef } from "./types.ts";

/** What a store holds. */
export interface Held {
  /** SHA-256 of packs that are there whole. */
  readonly packs: ReadonlySet<string>;
  /** Object ids that are there together with everything they reach. */
  readonly objects: ReadonlySet<string>;
}

/**
 * The packs of `manifest` to fetch, in its order: all but those that are held, and those whose tips
 * are, since everything in a pack is reachable from its tips.
 *
 * Holding the tips of one pack says nothing of the packs before it. After a forced push and back,
 * later packs build on commits that the tips in between do not reach.
 */
export function missingPacks<Pack extends Pick<PackRef, "sha256" | "tips">>(
  manifest: { readonly packs: readonly Pack[] },
  has: Held,
): Pack[] {
  return manifest.packs.filter(({ sha256, tips }) =>
    !has.packs.has(sha256) && !tips.every((tip) => has.objects.has(tip))
  );
}
