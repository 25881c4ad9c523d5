/**
 * Keeping this node findable under the topics of what it has.
 *
 * @module
 */
import type { Buffer } from "node:buffer";
import { abortable, deadline } from "../../common/wait.ts";
import type { Server } from "../../types/hyperdht.d.ts";
import type { HyperNode } from "./node.ts";

/** Nodes of the DHT forget an announcement after 20 minutes. */
const AGAIN_MS = 8 * 60_000;
/** How long taking one back may take: it is forgotten anyway. */
const FORGET_MS = 2_000;

/** Announces topics, and does so again until they are forgotten. */
export class TopicAnnouncer {
  readonly #node: HyperNode;
  readonly #server: Server;
  /** Hex topic -> topic. */
  readonly #topics = new Map<string, Buffer>();
  readonly #log: (message: string) => void;
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(node: HyperNode, server: Server, log: (message: string) => void) {
    this.#node = node;
    this.#server = server;
    this.#log = log;
    this.#timer = setInterval(() => void this.#again(), AGAIN_MS);
    node.onReturn(() => void this.#again());
  }

  async announce(topic: Buffer, signal: AbortSignal): Promise<void> {
    this.#topics.set(topic.toString("hex"), topic);
    await abortable(this.#announce(topic), signal);
  }

  async forget(topic: Buffer): Promise<void> {
    if (!this.#topics.delete(topic.toString("hex"))) return;
    using limit = deadline(FORGET_MS, "HyperDHT to forget");
    await this.#takeBack([topic], limit.signal);
  }

  /** Takes all of them back, as far as that is done before the signal's abort. */
  async end(signal: AbortSignal): Promise<void> {
    clearInterval(this.#timer);
    if (!signal.aborted) await this.#takeBack([...this.#topics.values()], signal);
  }

  #announce(topic: Buffer): Promise<void> {
    return this.#node.dht.announce(topic, this.#node.keys, this.#server.relayAddresses).finished();
  }

  async #again(): Promise<void> {
    for (const topic of this.#topics.values()) {
      await this.#announce(topic).catch((error) =>
        this.#log(`can't announce a repository on holepunch: ${error.message}`)
      );
    }
  }

  async #takeBack(topics: readonly Buffer[], signal: AbortSignal): Promise<void> {
    const all = topics.map((topic) => this.#node.dht.unannounce(topic, this.#node.keys));
    await abortable(Promise.allSettled(all), signal).catch(() => {});
  }
}
