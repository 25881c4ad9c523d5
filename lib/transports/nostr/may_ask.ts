/**
 * Which servers are asked because a stranger names them.
 *
 * @module
 */
import type { Reach } from "../../common/reach.ts";
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

/**
 * What the name of a relay or server that may be asked may lead to: nothing inside of this machine or its
 * network, if it looks as if it were outside. Undefined for those that the user chose, and for those that
 * are inside by their address: that was allowed before.
 *
 * @param own the relays or servers that the user set
 */
export function nearestBehind(url: string, own: readonly string[]): Reach | undefined {
  const { origin } = new URL(url);
  const isOwn = own.some((one) => new URL(one).origin === origin);
  return isOwn || isInside(url) ? undefined : "public";
}
