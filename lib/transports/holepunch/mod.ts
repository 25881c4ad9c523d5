/**
 * Holepunch's HyperDHT as a network of gtr.
 *
 * @module
 */
import type { Network } from "../../ports/network.ts";

/** How `all.ts` lists this network. */
export const entry: Network = {
  scheme: "holepunch",
  role: "peer",
  isDefault: true,
  open: async (context, wait) => {
    const { OpenHolepunch } = await import("./network.ts");
    return OpenHolepunch.open(context, wait);
  },
};
