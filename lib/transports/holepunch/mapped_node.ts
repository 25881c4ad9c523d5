/**
 * A node of HyperDHT whose port a router maps: it has to notice that it can be reached.
 *
 * hyperdht asks other nodes to send a packet to its port once while it joins, and then after 20
 * minutes. A mapping is made in between as a rule, so it is made to ask again. It believes that it can
 * be reached only by the same port number outside; else holes are punched as without a mapping.
 *
 * @module
 */
import { abortable, sleep } from "../../common/wait.ts";
import type HyperDHT from "../../types/hyperdht.d.ts";
import type { PortMapping } from "../shared/port_mapping/mod.ts";

/** When it is made to ask: until it knows its address outside, and others answer in time. */
const ASK_AFTER_MS = [0, 1000, 5000, 30_000] as const;

/** Has the port mapped for as long as the node runs. */
export class MappedNode implements AsyncDisposable {
  readonly #dht: HyperDHT;
  readonly #stop = new AbortController();
  readonly #opening: Promise<void>;
  #mapping: PortMapping | undefined;
  /** Ends what follows of the mapping before. */
  #changed = new AbortController();

  /** @param map has a UDP port mapped */
  constructor(dht: HyperDHT, map: (port: number) => PortMapping) {
    this.#dht = dht;
    this.#opening = this.#open(map).catch(() => {}); // a node that can't bind tells by itself
  }

  /** Undefined until the node has a port. */
  get mapping(): PortMapping | undefined {
    return this.#mapping;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#changed.abort();
    await this.#opening;
    await this.#mapping?.[Symbol.asyncDispose]();
  }

  async #open(map: (port: number) => PortMapping): Promise<void> {
    await abortable(this.#dht.bind(), this.#stop.signal);
    const port = this.#dht.io.serverSocket?.address().port;
    if (port === undefined || this.#stop.signal.aborted) return;
    this.#mapping = map(port);
    let wasMapped = false;
    this.#mapping.onChange(() => {
      const isMapped = this.#mapping?.outside?.port === port;
      if (isMapped) void this.#ask();
      else if (wasMapped) this.#close();
      wasMapped = isMapped;
    });
  }

  /** Has other nodes send packets to the port, until some of them come. */
  async #ask(): Promise<void> {
    this.#changed.abort();
    this.#changed = new AbortController();
    const { signal } = this.#changed;
    try {
      await abortable(this.#dht.fullyBootstrapped(), signal);
      for (const ms of ASK_AFTER_MS) {
        await sleep(ms, signal);
        if (!this.#dht.firewalled || this.#dht.destroyed) return;
        await abortable(this.#dht._updateNetworkState(true), signal);
      }
    } catch {
      // the mapping has changed, or the node is out of reach
    }
  }

  /** The mapping has gone; hyperdht would go on telling others to connect to it. */
  #close(): void {
    const { io } = this.#dht;
    this.#changed.abort();
    this.#dht.firewalled = io.firewalled = true;
    this.#dht.ephemeral = io.ephemeral = true;
  }
}
