/**
 * Holepunch's HyperDHT as a network of gtr.
 *
 * @module
 */
import { formatAddress } from "../../identity/address.ts";
import type { TransportEntry } from "../transport.ts";

/** How `all.ts` lists this network. */
export const entry: TransportEntry = {
  scheme: "holepunch",
  ownAddress: ({ settings, key: { id } }) => {
    const chosen = settings.get("transports")?.includes("holepunch");
    const format = (name: string) => formatAddress({ scheme: "holepunch", id, name });
    return Promise.resolve(chosen ? format : undefined);
  },
  open: async (context, wait) => {
    const { HolepunchTransport } = await import("./transport.ts");
    return HolepunchTransport.open(context, wait);
  },
};
