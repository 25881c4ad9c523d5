/**
 * Which servers are asked because a stranger names them.
 *
 * @module
 */
import { isInside } from "./urls.ts";

/**
 * Whether a relay or server may be asked that an event, a manifest or a domain names: one inside of
 * this machine or its network only where all that the user chose is inside too.
 *
 * @param chosen the relays that the user set, or wrote into an address
 */
export function mayAsk(url: string, chosen: readonly string[]): boolean {
  return !isInside(url) || (chosen.length > 0 && chosen.every(isInside));
}
