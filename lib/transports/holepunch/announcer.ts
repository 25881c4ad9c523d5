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
const FAREWELL_MS = 2_000;

/** Announces topics, and does so again until they are forgotten. */
export class TopicAnnouncer implements AsyncDisposable {
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
  }

  async announce(topic: Buffer, signal: AbortSignal): Promise<void> {
    this.#topics.set(topic.toString("hex"), topic);
    await abortable(this.#announce(topic), signal);
  }

  async forget(topic: Buffer): Promise<void> {
    if (this.#topics.delete(topic.toString("hex"))) await this.#takeBack([topic]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#takeBack([...this.#topics.values()]);
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

  async #takeBack(topics: readonly Buffer[]): Promise<void> {
    using limit = deadline(FAREWELL_MS, "HyperDHT to forget");
    const all = topics.map((topic) => this.#node.dht.unannounce(topic, this.#node.keys));
    await abortable(Promise.allSettled(all), limit.signal).catch(() => {});
  }
}
