/**
 * BitTorrent and its DHT as a network of gtr.
 *
 * @module
 */
import type { TransportEntry } from "../transport.ts";

/** How `all.ts` lists this network. */
export const entry: TransportEntry = {
  scheme: "torrent",
  isDefault: true,
  open: async (context, wait) => {
    const { TorrentTransport } = await import("./transport.ts");
    return await TorrentTransport.open(context, wait);
  },
};
