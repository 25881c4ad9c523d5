/**
 * What a reader still has to fetch.
 *
 * @module
 */
import type { Manifest, PackRef } from "./types.ts";

/** What a store holds. */
export interface Held {
  /** SHA-256 of packs that are there whole. */
  readonly packs: ReadonlySet<string>;
  /** Object ids that are there together with everything they reach. */
  readonly objects: ReadonlySet<string>;
}

/**
 * The packs of `manifest` to fetch, in its order. Packs 0..i together hold the closure of
 * `packs[i].tips`, so who holds those tips needs none of them.
 */
export function missingPacks(manifest: Pick<Manifest, "packs">, has: Held): PackRef[] {
  const covered = manifest.packs.findLastIndex(({ tips }) =>
    tips.every((tip) => has.objects.has(tip))
  );
  return manifest.packs.slice(covered + 1).filter(({ sha256 }) => !has.packs.has(sha256));
}
