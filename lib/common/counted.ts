/**
 * Numbers of things, for a person.
 *
 * @module
 */

/** "1 pack", "2 packs". */
export function counted(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? "" : "s"}`;
}
