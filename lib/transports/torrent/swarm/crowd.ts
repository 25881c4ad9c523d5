/**
 * Who has to make room when all places are taken. Pure.
 *
 * @module
 */

/**
 * The host that has most of `places`, where it would still have more than the newcomer after giving
 * one up: many peers of one address may stay as long as nobody else wants to come in.
 *
 * @param places the host at each place
 * @returns undefined where all have their share
 */
export function mostCrowded(places: Iterable<string>, newcomer: string): string | undefined {
  const counts = new Map<string, number>();
  for (const host of places) counts.set(host, (counts.get(host) ?? 0) + 1);
  const own = counts.get(newcomer) ?? 0;
  const [host, most] = [...counts].reduce((a, b) => (a[1] >= b[1] ? a : b), ["", 0]);
  return most > own + 1 ? host : undefined;
}
