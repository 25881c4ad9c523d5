/**
 * Nostr as a network of gtr.
 *
 * @module
 */
import type { TransportEntry } from "../transport.ts";

/** How `all.ts` lists this network. */
export const entry: TransportEntry = {
  scheme: "nostr",
  isDefault: true,
  open: async (context, wait) => {
    const { NostrTransport } = await import("./transport.ts");
    return await NostrTransport.open(context, wait);
  },
  ownAddress: async (context, wait) => {
    if (!context.settings.get("nostr.relays")?.length) return undefined;
    const { ownAddress } = await import("./own_address.ts");
    return await ownAddress(context, wait);
  },
  verbs: async () => (await import("./verbs/mod.ts")).VERBS,
};
