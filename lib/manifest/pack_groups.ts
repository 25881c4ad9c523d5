/**
 * Packs that belong together: what was one pack, had no network a limit for the size of packs.
 *
 * @module
 */

/** As much of a pack as tells whether it is the last of its group. */
export interface WithTips {
  readonly tips: readonly unknown[];
}

/**
 * Packs that were made as one, in their order. Only the last of a group has tips, those of all of
 * it; objects of any of them may name objects of any other. Where one pack was enough, it is a group.
 *
 * The last group is cut short where its last packs are not in the list.
 */
export function packGroups<Pack extends WithTips>(packs: readonly Pack[]): Pack[][] {
  const groups: Pack[][] = [];
  for (const [i, pack] of packs.entries()) {
    const begins = i === 0 || packs[i - 1]!.tips.length > 0;
    if (begins) groups.push([pack]);
    else groups.at(-1)!.push(pack);
  }
  return groups;
}

/** How many of `packs` there are up to the end of the last group that is not cut short. */
export function endOfGroups(packs: readonly WithTips[]): number {
  return packs.findLastIndex(({ tips }) => tips.length > 0) + 1;
}
