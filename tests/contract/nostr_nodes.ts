/**
 * Users of one relay and one Blossom server on loopback, both real and in processes of their own.
 *
 * @module
 */
import { join } from "node:path";
import { Counters } from "../../lib/common/counters.ts";
import { Home } from "../../lib/common/home.ts";
import { Settings } from "../../lib/common/settings.ts";
import { deadline } from "../../lib/common/wait.ts";
import type { PublisherKey } from "../../lib/identity/keys.ts";
import { OpenNostr } from "../../lib/transports/nostr/network.ts";
import { startBlossom, startRelay } from "../fixtures/nostr/servers.ts";
import { LiveSlot, type Serving } from "./live_slot.ts";
import type { TestNetwork } from "./network_contract.ts";
import { openManifest } from "../fixtures/open_manifest.ts";

type Relay = Awaited<ReturnType<typeof startRelay>>;
type Blossom = Awaited<ReturnType<typeof startBlossom>>;

/** What a node is opened with, beside its key. */
export interface NodeOptions {
  /** Setting variables, such as GTR_NOSTR_RELAYS. */
  readonly env?: Record<string, string>;
  /** git's configuration. */
  readonly config?: Record<string, string>;
  /** Of an encrypted key in it. */
  readonly password?: () => string | undefined;
  /** Milliseconds. */
  readonly keepAlive?: number;
  /** Its folder, where another node had it before: as after a restart. */
  readonly cache?: string;
}

/** What a network is made of. */
export interface NetworkOptions {
  readonly relays?: number;
  readonly servers?: number;
  /** Bytes of the largest blob that the first server takes. */
  readonly largest?: number;
}

/** Relays and servers that every node knows. */
export class NostrNetwork implements TestNetwork {
  readonly dropped = new Counters();
  readonly logged: string[] = [];
  readonly folder = Deno.makeTempDirSync();
  readonly #nodes: OpenNostr[] = [];

  private constructor(readonly relays: readonly Relay[], readonly servers: readonly Blossom[]) {}

  static async start({ relays = 1, servers = 1, largest }: NetworkOptions = {}) {
    const some = <T>(count: number, start: (i: number) => Promise<T>) =>
      Promise.all(Array.from({ length: count }, (_, i) => start(i)));
    return new NostrNetwork(
      await some(relays, () => startRelay()),
      await some(servers, (i) => startBlossom(i === 0 ? largest : undefined)),
    );
  }

  async join(key: PublisherKey, options: NodeOptions = {}): Promise<OpenNostr & Serving> {
    const cache = options.cache ?? join(this.folder, String(this.#nodes.length));
    await Deno.mkdir(cache, { recursive: true });
    const env: Record<string, string> = {
      GTR_NOSTR_RELAYS: this.relays.map(({ url }) => url).join(",") || "none",
      GTR_NOSTR_BLOSSOM: this.servers.map(({ url }) => url).join(",") || "none",
      GTR_NETWORK_TIMEOUT: "30",
      ...options.env,
    };
    const settings = await Settings.load(new Home(this.folder), (name) => env[name]);
    using limit = deadline(60_000, "a node to open");
    const { live, serve } = new LiveSlot();
    const node = await OpenNostr.open(
      {
        settings,
        cache,
        key,
        live,
        openManifest,
        gitConfig: (name) => Promise.resolve(options.config?.[name]),
        password: () => Promise.resolve(options.password?.()),
        log: (message) => this.logged.push(message),
        dropped: (reason) => this.dropped.add(reason),
      },
      limit,
      { retry: 100, keepAlive: options.keepAlive },
    );
    this.#nodes.push(node);
    return Object.assign(node, { serve });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node[Symbol.asyncDispose]()));
    const processes = [...this.relays, ...this.servers];
    await Promise.all(processes.map((process) => process[Symbol.asyncDispose]()));
    await Deno.remove(this.folder, { recursive: true });
  }
}
