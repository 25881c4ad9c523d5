/**
 * Whether what is missing is fetched live from a peer, or as packs. Pure.
 *
 * @module
 */
import { flowOf } from "../../manifest/flow.ts";
import { missingPacks } from "../../manifest/missing_packs.ts";
import type { Manifest, PackRef } from "../../manifest/types.ts";

/**
 * Packs of so many bytes in all are fetched without looking for a live peer: that costs more than
 * they do.
 */
export const CHEAP_BYTES = 32 * 1024;

/** What the store has. */
export interface Present {
  /** SHA-256 of packs that are there whole. */
  readonly packs: ReadonlySet<string>;
  /** Object ids that are there with all they lead to. */
  readonly objects: ReadonlySet<string>;
}

/** What to do. */
export interface Choice {
  /** A peer is asked for what is missing, at first or, if the manifest lists no packs, only. */
  readonly live: boolean;
  /** The packs that have it otherwise. */
  readonly missing: PackRef[];
}

/**
 * What is only announced is fetched live. So is, for use, what was fetched before and has changed:
 * packs hold more than the changes, since the publisher merges them as they add up. A first clone
 * needs all of it, whichever way it comes, and packs come from many peers and can be resumed; who
 * follows a repository keeps its packs for others.
 */
export function chooseFetch(
  manifest: Pick<Manifest, "flow" | "packs" | "refs">,
  present: Present,
  purpose: "use" | "follow",
): Choice {
  const missing = missingPacks(manifest, present);
  const flow = flowOf(manifest);
  if (flow === "announce") {
    return {
      live: !Object.values(manifest.refs).every((oid) => present.objects.has(oid)),
      missing,
    };
  }
  const known = present.objects.size > 0;
  const bytes = missing.reduce((sum, { size }) => sum + size, 0);
  const live = flow === "both" && purpose === "use" && known && bytes > CHEAP_BYTES;
  return { live, missing };
}
