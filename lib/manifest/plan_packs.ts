/**
 * Which packs a publication keeps and which it merges.
 *
 * @module
 */
import { packGroups, type WithTips } from "./pack_groups.ts";
import type { PackRef } from "./types.ts";

/**
 * How many of the `previous` packs, from the first on, stay as they are when `newSize` bytes are added;
 * the others merge with what is new into one pack.
 *
 * Consolidation is geometric: each pack that stays is at least as large as all that follow it. So
 * there are at most log2(total / smallest) + 2 packs, and an object is packed again only into a pack of
 * twice the size: a follower fetches little, and no byte is written more than log2(total) times.
 *
 * With a `limit` nothing merges into more than that, as it would have to be split again at once. Packs
 * that are split already merge as a whole, so never.
 *
 * @param previous the packs of the last manifest, in its order
 * @param newSize bytes that the new objects would take as a pack of their own
 * @param limit bytes of the largest pack
 */
export function planPacks(
  previous: readonly (Pick<PackRef, "size"> & WithTips)[],
  newSize: number,
  limit = Infinity,
): number {
  let following = bytesOf(previous) + newSize;
  let kept = 0;
  for (const group of packGroups(previous)) {
    const size = bytesOf(group);
    if (size < following - size && following <= limit) break;
    following -= size;
    kept += group.length;
  }
  return kept;
}

/** Bytes of several packs. */
export function bytesOf(packs: readonly Pick<PackRef, "size">[]): number {
  return packs.reduce((sum, { size }) => sum + size, 0);
}
