/**
 * Nodes of a private DHT on loopback, in this process.
 *
 * @module
 */
import { join } from "node:path";
import { Counters } from "../../../../../lib/common/counters.ts";
import { deadline, type Wait } from "../../../../../lib/common/wait.ts";
import { Dht } from "../../../../../lib/transports/torrent/dht/dht.ts";
import { formatHostPort } from "../../../../../lib/transports/torrent/address.ts";
import { KnownNodes } from "../../../../../lib/transports/torrent/dht/endpoints.ts";

/** Runs `work` with a deadline of 30 seconds. */
export async function within<T>(work: (wait: Wait) => Promise<T>): Promise<T> {
  using limit = deadline(60_000, "a test");
  return await work(limit);
}

/** A DHT whose first node is the first that is opened. */
export class DhtNetwork implements AsyncDisposable {
  readonly dropped = new Counters();
  readonly nodes: Dht[] = [];
  readonly #folder = Deno.makeTempDirSync();
  #first: string[] = [];

  /** Opens a node, which has joined when this resolves. */
  async open(
    options: { port?: number; cache?: string; bootstrap?: string[]; host?: string } = {},
  ): Promise<Dht> {
    const cache = options.cache ?? join(this.#folder, String(this.nodes.length));
    await Deno.mkdir(cache, { recursive: true });
    const bootstrap = options.bootstrap ?? this.#first;
    const node = await Dht.open({
      host: options.host ?? "127.0.0.1",
      port: options.port ?? 0,
      bootstrap,
      known: new KnownNodes(cache, bootstrap),
      dropped: (reason) => this.dropped.add(reason),
    });
    if (this.#first.length === 0) this.#first = [addressOf(node)];
    this.nodes.push(node);
    await within((wait) => node.ready(wait));
    return node;
  }

  async openMany(count: number): Promise<Dht[]> {
    const nodes: Dht[] = [];
    for (let i = 0; i < count; i++) nodes.push(await this.open());
    return nodes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.nodes.map((node) => node[Symbol.asyncDispose]()));
    await Deno.remove(this.#folder, { recursive: true });
  }
}

/** "host:port" of a node. */
export function addressOf(node: Dht, host = "127.0.0.1"): string {
  return formatHostPort({ host, port: node.port });
}
