/**
 * Holepunch's HyperDHT as a network of gtr.
 *
 * @module
 */
import type { TransportEntry } from "../transport.ts";

/** How `all.ts` lists this network. */
export const entry: TransportEntry = {
  scheme: "holepunch",
  isDefault: true,
  open: async (context, wait) => {
    const { HolepunchTransport } = await import("./transport.ts");
    return HolepunchTransport.open(context, wait);
  },
};
