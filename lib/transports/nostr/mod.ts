/**
 * Nostr as a network of gtr.
 *
 * @module
 */
import type { Network } from "../../ports/network.ts";

/** How `all.ts` lists this network. */
export const entry: Network = {
  scheme: "nostr",
  role: "server",
  isDefault: true,
  open: async (context, wait) => {
    const { OpenNostr } = await import("./network.ts");
    return await OpenNostr.open(context, wait);
  },
  ownAddress: async (context, wait) => {
    if (!context.settings.get("nostr.relays")?.length) return undefined;
    const { ownAddress } = await import("./keys/own_address.ts");
    return await ownAddress(context, wait);
  },
  verbs: async () => (await import("./verbs/mod.ts")).VERBS,
};
