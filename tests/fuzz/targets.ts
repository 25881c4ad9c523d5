/**
 * All targets, and how many of a thousand inputs each gets.
 *
 * @module
 */

/** Those that need streams, sockets, files or git cost ten to a thousand times as much as others. */
export const SHARES: Readonly<Record<string, number>> = {
  bencode: 120,
  bundle: 20,
  events: 80,
  extensions: 25,
  first_bytes: 25,
  http: 15,
  items: 160,
  live: 20,
  manifest: 60,
  noise: 34,
  pack: 1,
  pkt_line: 40,
  udx: 200,
  urls: 200,
};

const ALL = Object.values(SHARES).reduce((sum, share) => sum + share, 0);

/** How many of `count` inputs a target gets. */
export function shareOf(target: string, count: number): number {
  return Math.round(count * SHARES[target]! / ALL);
}
