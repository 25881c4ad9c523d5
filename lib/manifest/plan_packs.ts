/**
 * Which packs a publication keeps and which it merges.
 *
 * @module
 */
import type { PackRef } from "./types.ts";

/**
 * How many of the `previous` packs, from the first on, stay as they are when `newSize` bytes are added;
 * the others merge with what is new into one pack.
 *
 * Consolidation is geometric: each pack that stays is at least as large as all that follows it. So
 * there are at most log2(total / smallest) + 2 packs, and an object is packed again only into a pack of
 * twice the size: a follower fetches little, and no byte is written more than log2(total) times.
 *
 * @param previous the packs of the last manifest, in its order
 * @param newSize bytes that the new objects would take as a pack of their own
 */
export function planPacks(previous: readonly Pick<PackRef, "size">[], newSize: number): number {
  let following = previous.reduce((sum, { size }) => sum + size, newSize);
  const kept = previous.findIndex(({ size }) => {
    following -= size;
    return size < following;
  });
  return kept < 0 ? previous.length : kept;
}
