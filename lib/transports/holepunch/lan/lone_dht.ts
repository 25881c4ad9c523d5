/**
 * A node of HyperDHT that connects by addresses which it is told, and is in no DHT.
 *
 * @module
 */
import HyperDHT from "../../../hyperdht/mod.ts";
import { UDX } from "@gtr/udx";

/** Streams at once; while there are more, nobody is let in. */
const MAX_STREAMS = 4_096;

/** A node that knows no other, and whether it has too many streams. */
export interface LoneDht {
  readonly dht: HyperDHT;
  readonly isFull: () => boolean;
}

/**
 * Opens it. Whoever says that it is a node of the DHT is forgotten at once: it would be told the keys
 * that are listened for, the one that peers know this node by among them.
 */
export async function openLoneDht(host: string): Promise<LoneDht> {
  const udx = new UDX();
  const dht = new HyperDHT({ udx, host, bootstrap: [] });
  dht.on("add-node", (node) => {
    dht.table.remove(node.id);
    dht.nodes.remove(node);
  });
  await dht.fullyBootstrapped();
  return { dht, isFull: () => udx.streams.size >= MAX_STREAMS };
}
