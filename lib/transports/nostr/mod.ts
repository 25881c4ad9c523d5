/**
 * Nostr as a network of gtr.
 *
 * @module
 */
import type { TransportEntry } from "../transport.ts";

/** How `all.ts` lists this network. */
export const entry: TransportEntry = {
  scheme: "nostr",
  open: async (context, wait) => {
    const { NostrTransport } = await import("./transport.ts");
    return await NostrTransport.open(context, wait);
  },
};
