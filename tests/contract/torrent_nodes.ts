/**
 * BitTorrent nodes on loopback, with a DHT of their own.
 *
 * @module
 */
import { join } from "node:path";
import { Counters } from "../../lib/common/counters.ts";
import { Home } from "../../lib/common/home.ts";
import { Settings } from "../../lib/common/settings.ts";
import { deadline } from "../../lib/common/wait.ts";
import type { PublisherKey } from "../../lib/identity/keys.ts";
import { OpenTorrent } from "../../lib/transports/torrent/network.ts";
import { LiveSlot, type Serving } from "./live_slot.ts";
import type { TestNetwork } from "./network_contract.ts";
import { openManifest } from "../fixtures/open_manifest.ts";

/** What a node is opened with, beside its key. */
export interface NodeOptions {
  /** Setting variables, such as GTR_TORRENT_DHTPACKS. */
  readonly env?: Record<string, string>;
  /** Cache folder; a fresh one unless given. */
  readonly cache?: string;
}

/** A private DHT whose first node is the first that joins. */
export class TorrentNetwork implements TestNetwork {
  readonly dropped = new Counters();
  readonly #folder = Deno.makeTempDirSync();
  readonly #nodes: OpenTorrent[] = [];
  #first = "none";
  #count = 0;

  async join(key: PublisherKey, options: NodeOptions = {}): Promise<OpenTorrent & Serving> {
    const cache = options.cache ?? join(this.#folder, String(this.#count++));
    await Deno.mkdir(cache, { recursive: true });
    const env: Record<string, string> = {
      GTR_TORRENT_HOST: "127.0.0.1",
      GTR_TORRENT_BOOTSTRAP: this.#first,
      GTR_NETWORK_TIMEOUT: "30",
      ...options.env,
    };
    const settings = await Settings.load(new Home(this.#folder), (name) => env[name]);
    using limit = deadline(60_000, "a node to open");
    const { live, serve } = new LiveSlot();
    const node = await OpenTorrent.open({
      settings,
      cache,
      key,
      live,
      openManifest,
      gitConfig: () => Promise.resolve(undefined),
      log: () => {},
      dropped: (reason) => this.dropped.add(reason),
    }, limit);
    this.#nodes.push(node);
    const { details } = await node.health.probe(limit);
    if (this.#first === "none") this.#first = String(details.dht);
    return Object.assign(node, { serve });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node[Symbol.asyncDispose]()));
    await Deno.remove(this.#folder, { recursive: true });
  }
}
