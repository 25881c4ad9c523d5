/**
 * Noticing that this node has another address outside, as after a restart of its router. Nodes of the
 * DHT would send to the old one whoever looks for it, for up to five minutes.
 *
 * @module
 */
import type HyperDHT from "../../types/hyperdht.d.ts";
import type { NodeAddress } from "../../types/hyperdht.d.ts";

/** Between two questions to one node: it is asked by hyperdht, too, every three seconds. */
const LOOK_MS = 5_000;

/** Asks a node of the DHT, again and again, where this node's packets come from. */
export class Moves implements Disposable {
  readonly #timer: ReturnType<typeof setInterval>;
  #last: { readonly node: NodeAddress; readonly seen: string } | undefined;
  /** Which node is asked. */
  #turn = 0;

  /**
   * @param nodes that packets are sent to often enough for routers to keep one port for them
   * @param moved is called when the same node sees another address than before
   */
  constructor(
    dht: Pick<HyperDHT, "ping">,
    nodes: () => readonly NodeAddress[],
    moved: () => void,
    ms = LOOK_MS,
  ) {
    this.#timer = setInterval(() => void this.#look(dht, nodes(), moved), ms);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  async #look(
    dht: Pick<HyperDHT, "ping">,
    nodes: readonly NodeAddress[],
    moved: () => void,
  ): Promise<void> {
    const node = nodes[this.#turn % nodes.length];
    if (!node) return;
    try {
      const { to: { host, port } } = await dht.ping(node);
      const seen = `${host}:${port}`;
      const last = this.#last;
      this.#last = { node, seen };
      if (last?.node.host === node.host && last.node.port === node.port && last.seen !== seen) {
        this.#turn++; // one that lies has said it once then
        moved();
      }
    } catch {
      this.#turn++; // another one the next time
    }
  }
}
