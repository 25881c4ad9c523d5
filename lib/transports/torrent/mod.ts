/**
 * BitTorrent and its DHT as a network of gtr.
 *
 * @module
 */
import type { Network } from "../../ports/network.ts";

/** How `all.ts` lists this network. */
export const entry: Network = {
  scheme: "torrent",
  role: "peer",
  isDefault: true,
  open: async (context, wait) => {
    const { OpenTorrent } = await import("./network.ts");
    return await OpenTorrent.open(context, wait);
  },
};
