/**
 * The holes that hyperdht uses again for later connections to a peer ("reusableSocket").
 *
 * @module
 */
import type { Buffer } from "node:buffer";
import type HyperDHT from "../types/hyperdht.d.ts";

/** What hyperdht 6.34.0 keeps, and tells nobody. */
interface Internals {
  readonly _socketPool: {
    lookup(socket: object): object | null;
    readonly routes: { get(publicKey: Buffer): { readonly socket: object; gc(): void } | null };
  };
}

/**
 * Has hyperdht forget its way to the peer unless that is a hole, on a socket of its own. Where the way
 * begins at the node's main socket, hyperdht tries it, too, and catches no error: that would end the
 * process. Such a peer can be reached from outside anyway.
 */
export function keepSafeRoute(dht: HyperDHT, publicKey: Buffer): void {
  const { _socketPool: pool } = dht as unknown as Internals;
  const route = pool.routes.get(publicKey);
  if (route && !pool.lookup(route.socket)) route.gc();
}
