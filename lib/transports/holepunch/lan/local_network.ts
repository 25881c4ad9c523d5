/**
 * Turns to the local network as long as no node of HyperDHT answers. Where one does, peers in the
 * same network find each other by the DHT, and nothing is said in the local network.
 *
 * @module
 */
import type { Buffer } from "node:buffer";
import { abortable } from "../../../common/wait.ts";
import type HyperDHT from "../../../types/hyperdht.d.ts";
import type { LanContext, LanNode, NearPeer } from "./lan_node.ts";

/** Milliseconds until HyperDHT is thought to be out of reach. */
const PATIENCE_MS = 2_000;
/** How often it is looked: at first, and when it is known. */
const LOOK_MS = 100;
const LOOK_AGAIN_MS = 5_000;
/** Looks in a row: what is away for a moment only is no reason to be heard in a strange network. */
const LOOKS = 2;

/** The local network, while it is needed. */
export class LocalNetwork implements AsyncDisposable {
  readonly #dht: HyperDHT;
  readonly #context: LanContext;
  readonly #log: (message: string) => void;
  readonly #begun = performance.now();
  /** Settles when it is known whether it is needed. */
  readonly #known = Promise.withResolvers<void>();
  #node: LanNode | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #ended = false;
  /** Looks in a row at which no node answered. */
  #missed = 0;
  #work: Promise<void> = Promise.resolve();

  constructor(dht: HyperDHT, context: LanContext, log: (message: string) => void) {
    this.#dht = dht;
    this.#context = context;
    this.#log = log;
    this.#look();
  }

  /** Gtds that were found; undefined where HyperDHT is used. */
  get neighbours(): number | undefined {
    return this.#node?.neighbours;
  }

  /** Resolves with the node in the local network; undefined where HyperDHT is used. */
  async node(signal: AbortSignal): Promise<LanNode | undefined> {
    await abortable(this.#known.promise, signal);
    await this.#node?.ready(signal);
    return this.#node;
  }

  /** Neighbours with the repository; undefined: ask HyperDHT. */
  async lookup(topic: Buffer, signal: AbortSignal): Promise<NearPeer[] | undefined> {
    const node = await this.node(signal);
    return node && node.neighbours > 0 ? await node.lookup(topic, signal) : undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true;
    clearTimeout(this.#timer);
    await this.#work;
    await this.#node?.[Symbol.asyncDispose]();
  }

  #look(): void {
    const late = performance.now() - this.#begun > PATIENCE_MS;
    const known = late || this.#dht.nodes.length > 0;
    this.#work = this.#turn(late)
      .catch((error) => this.#log(`can't use the local network: ${error.message}`))
      .then(() => {
        if (known) this.#known.resolve();
        if (!this.#ended) {
          this.#timer = setTimeout(() => this.#look(), known ? LOOK_AGAIN_MS : LOOK_MS);
        }
      });
  }

  /** Begins or ends the use of the local network; begins anew in another one. */
  async #turn(late: boolean): Promise<void> {
    const reachable = this.#dht.nodes.length > 0 && this.#dht.online;
    this.#missed = reachable ? 0 : this.#missed + 1;
    const node = this.#node;
    if (node && (reachable || node.hasMoved)) {
      this.#node = undefined;
      await node[Symbol.asyncDispose]();
    }
    if (this.#missed >= LOOKS && !this.#node && late) {
      const { LanNode } = await import("./lan_node.ts");
      this.#node = await LanNode.open(this.#context);
      this.#log("no node of HyperDHT answers: looking for others in the local network");
    }
  }
}
