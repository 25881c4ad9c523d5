/**
 * Nostr as a network of gtr: events on relays, packs on Blossom servers.
 *
 * @module
 */
import { removeLeftovers } from "../../common/leftovers.ts";
import type { Wait } from "../../common/wait.ts";
import type { RepoAddress } from "../../identity/address.ts";
import type { SignedManifest } from "../../manifest/types.ts";
import type { AccountPort } from "../../ports/account.ts";
import type { Health, HealthPort, Reach } from "../../ports/health.ts";
import type { Locator, Naming } from "../../ports/naming.ts";
import type { NetworkContext, OpenNetwork } from "../../ports/network.ts";
import type { Notices } from "../../ports/notices.ts";
import type { Packs } from "../../ports/packs.ts";
import type { Records, ResolveWait } from "../../ports/records.ts";
import { MAX_CHUNKED } from "./chunks/chunk.ts";
import type { NostrNode } from "./node.ts";
import { distinctUrls, relayUrl, webUrl } from "./urls.ts";

const MAX_SERVERS = 16;
/** Without a relay of the user's own. */
const UNUSED: Health = {
  reachable: true,
  summary: "reads what addresses with a relay lead to; publishes once nostr.relays is set",
  details: { relays: 0 },
};

/** What tests make quicker. */
export interface NostrOptions {
  /** Milliseconds before a publication that failed is tried again. */
  readonly retry?: number;
  /** Milliseconds between looking whether servers still have what is published. */
  readonly keepAlive?: number;
}

/**
 * Quiet until relays are set or an address leads here: what speaks to relays is loaded when it is first
 * needed.
 */
export class OpenNostr implements OpenNetwork {
  readonly scheme = "nostr";
  readonly role = "server";
  readonly #context: NetworkContext;
  readonly #options: NostrOptions;
  readonly #relays: readonly string[];
  readonly #servers: readonly string[];
  readonly #grasp: readonly string[];
  #node: Promise<NostrNode> | undefined;
  /** The node, where relays are set and the key has been looked for. */
  #own: NostrNode | undefined;

  private constructor(context: NetworkContext, options: NostrOptions) {
    this.#context = context;
    this.#options = options;
    const { settings } = context;
    this.#grasp = distinctUrls(settings.get("nostr.grasp") ?? [], webUrl, MAX_SERVERS);
    const relays = [
      ...settings.get("nostr.relays") ?? [],
      ...this.#grasp.map((server) => server.replace(/^http/, "ws")),
    ];
    this.#relays = distinctUrls(relays, relayUrl, MAX_SERVERS);
    this.#servers = distinctUrls(settings.get("nostr.blossom") ?? [], webUrl, MAX_SERVERS);
  }

  /** Finds the Nostr key, where relays are set. Contacts nobody but a bunker, where the key is there. */
  static async open(
    context: NetworkContext,
    wait: Wait,
    options: NostrOptions = {},
  ): Promise<OpenNostr> {
    wait.signal.throwIfAborted();
    const made = new OpenNostr(context, options);
    if (made.#relays.length === 0) return made;
    await removeLeftovers(context.cache, /\.tmp$/);
    const node = await made.#open();
    await node.lookForKey(wait.signal);
    made.#own = node;
    return made;
  }

  endpoints(): readonly string[] {
    return this.#own?.endpoints() ?? [];
  }

  readonly naming: Naming = {
    own: (name) => this.#own?.address(name),
  };

  readonly locator: Locator = {
    locate: async (url, wait) => await (await this.#open()).locate(url, wait),
  };

  readonly account: AccountPort = {
    fault: () => this.#own?.keyFault,
    use: async ({ signal }) => await this.#own?.useKey(signal), // else nothing is signed
  };

  readonly records: Records = {
    resolve: (address, wait) => this.#resolve(address, wait),
    publish: async (manifest, packs, wait) => {
      wait.signal.throwIfAborted();
      await this.#own?.announce(manifest, packs, wait);
    },
    retract: async (manifest) => await this.#own?.forget(manifest),
  };

  readonly notices: Notices = {
    watch: (manifest, listener) =>
      this.#own?.watch(manifest, listener) ?? { [Symbol.dispose]() {} },
  };

  readonly packs: Packs = {
    searchable: true,
    maxBytes: () => this.#maxBytes(),
    /** Servers have what was announced: there is nothing to keep up from here. */
    offer: () => Promise.resolve({ [Symbol.asyncDispose]: () => Promise.resolve() }),
    fetch: async (pack, from, into, wait) =>
      await (await this.#open()).fetch(pack, from, into, wait),
    /** Blossom servers, of those that are known. */
    holders: async (manifest, wait) => await this.#own?.holders(manifest, wait) ?? [],
    /** Relays and servers tell nobody who else is there. */
    peers: () => 0,
  };

  readonly health: HealthPort = {
    probe: async (wait) => await this.#own?.probe(wait) ?? UNUSED,
    now: () => Promise.resolve(this.#own?.health() ?? UNUSED),
    reach: () => this.#reach(),
    measured: () => Promise.resolve(),
  };

  async *#resolve(address: RepoAddress, wait: ResolveWait): AsyncGenerator<SignedManifest> {
    wait.signal.throwIfAborted();
    // Whom a manifest names is asked only by those who use this network.
    const used = this.#relays.length > 0 || address.scheme === this.scheme;
    if (!used && this.#node === undefined) return wait.idle?.();
    const known = used ? wait.known : [];
    yield* (await this.#open()).resolve(address, { ...wait, known });
  }

  /**
   * Blossom servers refuse blobs above a size of their own, which the user has to know. More than one
   * file has room for in events can only be there in several.
   */
  #maxBytes(): number | undefined {
    if (this.#relays.length === 0) return undefined;
    const { settings } = this.#context;
    const limits = [
      ...this.#servers.length > 0 ? [settings.get("nostr.maxBlob") || Infinity] : [],
      ...settings.get("nostr.eventPacks") > MAX_CHUNKED ? [MAX_CHUNKED] : [],
    ];
    const least = Math.min(...limits);
    return least === Infinity ? undefined : least;
  }

  /** Nobody has to connect to this node if servers keep the packs. */
  #reach(): Reach | undefined {
    if (!this.#own || this.#servers.length === 0 || this.#own.keyFault) {
      return undefined;
    }
    return { how: "servers", summary: "from servers that keep what you publish" };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#node)?.[Symbol.asyncDispose]();
  }

  #open(): Promise<NostrNode> {
    return this.#node ??= (async () => {
      const { NostrNode } = await import("./node.ts");
      return new NostrNode({
        context: this.#context,
        relays: this.#relays,
        servers: this.#servers,
        grasp: this.#grasp,
        ...this.#options,
      });
    })();
  }
}
