/**
 * Nostr as a network of gtr: events on relays, packs on Blossom servers.
 *
 * @module
 */
import { removeLeftovers } from "../../common/leftovers.ts";
import { type GtrError, toGtrError } from "../../common/errors.ts";
import type { RepoAddress } from "../../identity/address.ts";
import type { Manifest, PackRef, SignedManifest } from "../../manifest/types.ts";
import type {
  FetchWait,
  Health,
  Holder,
  HolderWait,
  LiveAnswer,
  Located,
  LocateWait,
  NodeKey,
  PackFile,
  Reach,
  ResolveWait,
  Transport,
  TransportContext,
  Wait,
} from "../transport.ts";
import { MAX_CHUNKED } from "./events/chunk.ts";
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
export class NostrTransport implements Transport {
  readonly scheme = "nostr";
  readonly flows = { announce: true, put: true };
  readonly #context: TransportContext;
  readonly #options: NostrOptions;
  readonly #relays: readonly string[];
  readonly #servers: readonly string[];
  readonly #grasp: readonly string[];
  #live: LiveAnswer | undefined;
  #node: Promise<NostrNode> | undefined;
  #endpoints: readonly string[] = [];
  #address: ((name: string) => string) | undefined;
  #fault: (() => GtrError | undefined) | undefined;

  private constructor(context: TransportContext, options: NostrOptions) {
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
    context: TransportContext,
    wait: Wait,
    options: NostrOptions = {},
  ): Promise<NostrTransport> {
    wait.signal.throwIfAborted();
    const transport = new NostrTransport(context, options);
    if (transport.#relays.length === 0) return transport;
    await removeLeftovers(context.cache, /\.tmp$/);
    const node = await transport.#open();
    await node.lookForKey(wait.signal);
    transport.#read(node);
    return transport;
  }

  endpoints(): readonly string[] {
    return this.#endpoints;
  }

  address(name: string): string | undefined {
    return this.#endpoints.length === 0 ? undefined : this.#address?.(name);
  }

  readonly key: NodeKey = {
    fault: () => this.#fault?.(),
    use: async ({ signal }) => {
      if (this.#relays.length === 0) return; // nothing is signed
      const node = await this.#open();
      try {
        await node.useKey(signal);
      } finally {
        this.#read(node);
      }
    },
  };

  /** For GRASP servers only: nobody dials this node by Nostr. */
  serve(answer: LiveAnswer): void {
    this.#live = answer;
    this.#node?.then((node) => node.serve(answer), () => {});
  }

  async locate(url: string, wait: LocateWait): Promise<Located> {
    return await (await this.#open()).locate(url, wait);
  }

  async *resolve(address: RepoAddress, wait: ResolveWait): AsyncGenerator<SignedManifest> {
    wait.signal.throwIfAborted();
    // Whom a manifest names is asked only by those who use this network.
    const used = this.#relays.length > 0 || address.scheme === this.scheme;
    if (!used && this.#node === undefined) return wait.idle?.();
    const known = used ? wait.known : [];
    yield* (await this.#open()).resolve(address, { ...wait, known });
  }

  async announce(
    manifest: SignedManifest,
    packs: readonly PackFile[],
    wait: Wait,
  ): Promise<void> {
    wait.signal.throwIfAborted();
    if (this.#relays.length === 0) return;
    await (await this.#open()).announce(manifest, packs, wait);
  }

  async forget(manifest: Manifest): Promise<void> {
    if (this.#relays.length === 0) return;
    await (await this.#open()).forget(manifest);
  }

  /**
   * Blossom servers refuse blobs above a size of their own, which the user has to know. More than one
   * file has room for in events can only be there in several.
   */
  maxPack(): number | undefined {
    if (this.#relays.length === 0) return undefined;
    const { settings } = this.#context;
    const limits = [
      ...this.#servers.length > 0 ? [settings.get("nostr.maxBlob") || Infinity] : [],
      ...settings.get("nostr.eventPacks") > MAX_CHUNKED ? [MAX_CHUNKED] : [],
    ];
    const least = Math.min(...limits);
    return least === Infinity ? undefined : least;
  }

  /** Servers have what was announced: there is nothing to keep up from here. */
  seed(_file: PackFile): Promise<AsyncDisposable> {
    return Promise.resolve({ [Symbol.asyncDispose]: () => Promise.resolve() });
  }

  async fetch(pack: PackRef, from: SignedManifest, into: string, wait: FetchWait): Promise<void> {
    await (await this.#open()).fetch(pack, from, into, wait);
  }

  onNotice(manifest: Manifest, listener: (sequence: number) => void): Disposable {
    let watch: Disposable | undefined;
    let ended = false;
    if (this.#relays.length > 0) {
      this.#open().then((node) => {
        if (!ended) watch = node.watch(manifest, listener);
      }, (error) => this.#context.log(`nostr can't watch: ${toGtrError(error).message}`));
    }
    return {
      [Symbol.dispose]() {
        ended = true;
        watch?.[Symbol.dispose]();
      },
    };
  }

  /** Blossom servers, of those that are known. */
  async holders(manifest: Manifest, wait: HolderWait): Promise<readonly Holder[]> {
    return this.#relays.length === 0 ? [] : await (await this.#open()).holders(manifest, wait);
  }

  /** Relays and servers tell nobody who else is there. */
  peers(_manifest: Manifest): number {
    return 0;
  }

  async probe(wait: Wait): Promise<Health> {
    return this.#relays.length > 0 ? await (await this.#open()).probe(wait) : UNUSED;
  }

  async health(_wait: Wait): Promise<Health> {
    return this.#relays.length > 0 ? (await this.#open()).health() : UNUSED;
  }

  /** Nobody has to connect to this node if servers keep the packs. */
  reach(): Reach | undefined {
    if (this.#relays.length === 0 || this.#servers.length === 0 || this.#fault?.()) {
      return undefined;
    }
    return { how: "servers", summary: "from servers that keep what you publish" };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#node)?.[Symbol.asyncDispose]();
  }

  #read(node: NostrNode): void {
    this.#endpoints = node.endpoints();
    this.#address = (name) => node.address(name);
    this.#fault = () => node.keyFault;
  }

  #open(): Promise<NostrNode> {
    return this.#node ??= (async () => {
      const { NostrNode } = await import("./node.ts");
      const node = new NostrNode({
        context: this.#context,
        relays: this.#relays,
        servers: this.#servers,
        grasp: this.#grasp,
        ...this.#options,
      });
      if (this.#live) node.serve(this.#live);
      return node;
    })();
  }
}
