/**
 * https servers on loopback, each of which knows those before it.
 *
 * @module
 */
import { join } from "node:path";
import { Counters } from "../../lib/common/counters.ts";
import { Home } from "../../lib/common/home.ts";
import { Settings } from "../../lib/common/settings.ts";
import { deadline } from "../../lib/common/wait.ts";
import type { PublisherKey } from "../../lib/identity/keys.ts";
import { LIMITS, type ServerLimits } from "../../lib/transports/default/server.ts";
import { OpenDefault } from "../../lib/transports/default/network.ts";
import { LiveSlot, type Serving } from "./live_slot.ts";
import type { TestNetwork } from "./network_contract.ts";
import { openManifest } from "../fixtures/open_manifest.ts";

/** What a node is opened with, beside its key. */
export interface NodeOptions {
  /** Setting variables, such as GTR_DEFAULT_SERVERS. */
  readonly env?: Record<string, string>;
  readonly limits?: Partial<ServerLimits>;
}

/** Servers with certificates of their own keys. */
export class DefaultNetwork implements TestNetwork {
  readonly dropped = new Counters();
  readonly logged: string[] = [];
  readonly folder = Deno.makeTempDirSync();
  readonly #nodes: OpenDefault[] = [];
  readonly #servers: string[] = [];

  async join(key: PublisherKey, options: NodeOptions = {}): Promise<OpenDefault & Serving> {
    const cache = join(this.folder, String(this.#nodes.length));
    await Deno.mkdir(cache);
    const env: Record<string, string> = {
      GTR_DEFAULT_LISTEN: "127.0.0.1:0",
      GTR_TORRENT_HOST: "127.0.0.1", // on loopback, as all are: strangers may name what is there
      GTR_DEFAULT_SERVERS: this.#servers.join(",") || "none",
      GTR_NETWORK_TIMEOUT: "30",
      ...options.env,
    };
    const settings = await Settings.load(new Home(this.folder), (name) => env[name]);
    using limit = deadline(60_000, "a node to open");
    const { live, serve } = new LiveSlot();
    const node = await OpenDefault.open(
      {
        settings,
        cache,
        key,
        live,
        openManifest,
        gitConfig: () => Promise.resolve(undefined),
        log: (message) => this.logged.push(message),
        dropped: (reason) => this.dropped.add(reason),
      },
      limit,
      { ...LIMITS, ...options.limits },
    );
    this.#nodes.push(node);
    const host = node.endpoints()[0];
    if (host !== undefined) this.#servers.push(`${key.id}@${host}`);
    return Object.assign(node, { serve });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node[Symbol.asyncDispose]()));
    await Deno.remove(this.folder, { recursive: true });
  }
}
