/**
 * What Nostr is here once it is in use: relays, servers and the key joined.
 *
 * @module
 */
import type { GtrError } from "../../common/errors.ts";
import type { Reach } from "../../common/reach.ts";
import type { Wait } from "../../common/wait.ts";
import type { RepoAddress } from "../../identity/address.ts";
import { publisherId } from "../../identity/keys.ts";
import type { Registry } from "../../identity/registry.ts";
import type { PackFile } from "../../manifest/pack_file.ts";
import type { Manifest, PackRef, SignedManifest } from "../../manifest/types.ts";
import type { Health } from "../../ports/health.ts";
import type { Located, LocateWait } from "../../ports/naming.ts";
import type { NetworkContext } from "../../ports/network.ts";
import type { FetchWait, Holder, HolderWait } from "../../ports/packs.ts";
import type { ResolveWait } from "../../ports/records.ts";
import { serversThatHave } from "./blossom/holders.ts";
import { BlobStore } from "./blossom/servers.ts";
import { blossomSource, getBlob } from "./blossom/sources.ts";
import { ChunkedFiles } from "./chunks/chunked_files.ts";
import { graspPlace, graspRelay } from "./grasp/place.ts";
import { type Answered, askServers, healthOf } from "./health.ts";
import { OwnKey } from "./keys/own_key.ts";
import { nearestBehind } from "./may_ask.ts";
import { formatNostrAddress } from "./names/address.ts";
import { passOn } from "./publish/pass_on.ts";
import { Publisher } from "./publish/publisher.ts";
import { Relays } from "./relays/relays.ts";
import { nostrEndpoints } from "./repositories/binding.ts";
import { KnownRepositories } from "./repositories/known.ts";
import { locate } from "./repositories/locate.ts";
import { type RepositoryEvents, RepositoryLookup } from "./repositories/lookup.ts";
import { Notices } from "./repositories/notices.ts";
import { packInEvents, packUrls } from "./repositories/pack_sources.ts";
import { resolveManifests } from "./repositories/resolve.ts";

/** What {@linkcode NostrNode} is made from. */
export interface NodeParts {
  readonly context: NetworkContext;
  /** The user's own. */
  readonly relays: readonly string[];
  readonly servers: readonly string[];
  readonly grasp: readonly string[];
  readonly retry?: number;
  readonly keepAlive?: number;
}

const RETRY_MS = 5_000;
const HOUR_MS = 3_600_000;
/** How long a slow relay is waited for once another has answered, in milliseconds. */
const GRACE_MS = 1_000;
const MAX_ANSWER_MS = 10_000;
const MAX_CONNECT_MS = 5_000;

/** One user's relays and servers. */
export class NostrNode implements AsyncDisposable {
  readonly #parts: NodeParts;
  readonly #key: OwnKey;
  /** Who answered when it was asked last. */
  #answered: Answered | undefined;
  readonly #relays: Relays;
  readonly #lookup: RepositoryLookup;
  readonly #blobs: BlobStore;
  readonly #publisher: Publisher;
  readonly #notices: Notices;
  readonly #timeout: number;
  readonly #known: KnownRepositories;
  /** What the name of a Blossom server may lead to. */
  readonly #nearest: (url: string) => Reach | undefined;
  /** What domains say of their names, once it was needed. */
  #names: Registry | undefined;
  readonly #keepAlive: ReturnType<typeof setInterval> | undefined;

  constructor(parts: NodeParts) {
    this.#parts = parts;
    const { context, relays, servers, grasp } = parts;
    const { settings, dropped, log } = context;
    this.#nearest = (url) => nearestBehind(url, servers);
    this.#timeout = settings.get("network.timeout") * 1000;
    this.#key = new OwnKey(context, () => this.#relays);
    this.#relays = new Relays({
      signer: this.#key.loginTo(relays),
      nearest: (url) => nearestBehind(url, relays),
      dropped,
      times: {
        connect: Math.min(this.#timeout, MAX_CONNECT_MS),
        answer: Math.min(this.#timeout, MAX_ANSWER_MS),
        grace: GRACE_MS,
      },
    });
    this.#lookup = new RepositoryLookup(this.#relays, relays);
    this.#known = new KnownRepositories(this.#lookup, log);
    this.#notices = new Notices(this.#relays, relays);
    const signer = this.#key.signer.bind(this.#key);
    this.#blobs = new BlobStore({ servers, signer, log });
    this.#publisher = new Publisher({
      relays: this.#relays,
      lookup: this.#lookup,
      data: {
        blobs: this.#blobs,
        chunked: new ChunkedFiles(this.#relays, grasp.map(graspRelay)),
        relays,
        eventPacks: settings.get("nostr.eventPacks"),
        folder: context.cache,
        log,
      },
      key: context.key,
      signer,
      quorum: Math.min(settings.get("nostr.quorum"), relays.length),
      clone: (manifest, pubkey) => [
        ...cloneUrls(manifest),
        ...grasp.map((server) => graspPlace(server, pubkey, manifest.name).clone),
      ],
      grasp,
      source: (publisher, name) => context.live({ publisher, name }),
      log,
      retry: parts.retry ?? RETRY_MS,
    });
    if (relays.length === 0) return;
    const pause = parts.keepAlive ?? settings.get("nostr.keepAlive") * HOUR_MS;
    this.#keepAlive = setInterval(() => void this.#publisher.keepAlive(), pause);
    Deno.unrefTimer(this.#keepAlive as unknown as number);
  }

  /** Finds out which key is the user's, as far as that can be done at once. */
  async lookForKey(signal: AbortSignal): Promise<void> {
    await this.#key.look(signal);
    if (this.#key.failure) this.#parts.context.log(`nostr: ${this.#key.failure.message}`);
  }

  /** Why the key can't be used, as far as that is known. */
  get keyFault(): GtrError | undefined {
    return this.#key.failure;
  }

  /** Uses the key that is in git's configuration now, and publishes at once what waited for it. */
  async useKey(signal: AbortSignal): Promise<void> {
    const before = this.#key.pubkey;
    try {
      await this.#key.use(signal);
    } finally {
      if (this.#key.pubkey !== before || this.#key.failure === undefined) {
        this.#relays.hangUp(); // logins were with the key of before
        this.#publisher.resume(this.#key.pubkey !== before);
      }
    }
  }

  /** For the manifest: empty where the key is not known. */
  endpoints(): string[] {
    const { pubkey } = this.#key;
    return pubkey === undefined ? [] : nostrEndpoints(pubkey, this.#parts.relays);
  }

  /** The address of a repository of one's own; undefined where the key is not known. */
  address(name: string): string | undefined {
    const { pubkey } = this.#key;
    const relays = this.#parts.relays.slice(0, 1);
    return pubkey && formatNostrAddress({ pubkey, identifier: name, relays });
  }

  async locate(url: string, wait: LocateWait): Promise<Located> {
    return await locate(
      {
        lookup: this.#lookup,
        names: async () => {
          const { nip05Names } = await import("./names/nip05.ts");
          // The other half of the time is for relays.
          return this.#names ??= nip05Names(wait.registry, this.#timeout / 2);
        },
        publicKey: this.#parts.context.key.publicKeyHex,
        ownPubkey: (signal) => this.#key.look(signal),
        publishes: (name) => this.#publisher.has(name),
        found: (publisher, address) =>
          this.#known.foundAt({ publisher, name: address.identifier }, address),
      },
      url,
      wait,
    );
  }

  resolve(address: RepoAddress, wait: ResolveWait): AsyncGenerator<SignedManifest> {
    const { context, servers } = this.#parts;
    return resolveManifests(
      {
        lookup: this.#lookup,
        servers,
        known: ({ id, name }) => {
          const place = this.#known.place(id, name);
          return place ? [place] : [];
        },
        found: (signed, events) => this.#known.found(signed, events),
        sources: {
          folder: context.cache,
          timeout: this.#timeout,
          nearest: this.#nearest,
          openManifest: context.openManifest,
          dropped: context.dropped,
        },
      },
      address,
      wait,
    );
  }

  async announce(
    signed: SignedManifest,
    packs: readonly PackFile[],
    wait: Wait,
  ): Promise<void> {
    const { publisher, sequence } = signed.manifest;
    if (publisher === this.#parts.context.key.publicKeyHex) {
      return await this.#publisher.announce(signed, packs, wait);
    }
    const found = this.#known.events(signed.manifest);
    const parts = {
      relays: this.#relays,
      urls: this.#parts.relays,
      relaysFor: (events: RepositoryEvents) => this.#lookup.relaysFor(events),
      without: this.#parts.grasp.map(graspRelay),
      dropped: this.#parts.context.dropped,
      blobs: this.#blobs,
      sources: (sha256: string) => packUrls(sha256, found?.events, this.#parts),
      nearest: this.#nearest,
    };
    const events = found?.sequence === sequence ? found.events : undefined;
    await passOn(parts, events, packs, wait.signal);
  }

  async forget(manifest: Manifest): Promise<void> {
    if (manifest.publisher === this.#parts.context.key.publicKeyHex) {
      return await this.#publisher.forget(manifest);
    }
    this.#known.forget(manifest);
  }

  async fetch(pack: PackRef, from: SignedManifest, into: string, wait: FetchWait): Promise<void> {
    wait.signal.throwIfAborted();
    const { name } = from.manifest;
    const { dropped } = this.#parts.context;
    const events = await this.#known.ask(from.manifest, wait.signal, pack.sha256);
    wait.signal.throwIfAborted();
    await getBlob(
      {
        what: `pack ${pack.sha256.slice(0, 12)} of ${name}`,
        sha256: pack.sha256,
        sources: [
          ...packUrls(pack.sha256, events, this.#parts)
            .map((url) => blossomSource(url, pack.size, this.#timeout, this.#nearest(url))),
          ...events ? packInEvents(pack, events, this.#lookup, dropped) : [],
        ],
        dropped,
      },
      into,
      wait,
    );
    wait.prefix?.(pack.size);
  }

  watch(manifest: Manifest, listener: (sequence: number) => void): Disposable {
    return this.#notices.watch(manifest, listener);
  }

  async holders(manifest: Manifest, { search, signal }: HolderWait): Promise<Holder[]> {
    const events = search
      ? await this.#known.ask(manifest, signal)
      : this.#known.events(manifest)?.events;
    const sources = (pack: string) => packUrls(pack, events, this.#parts);
    return await serversThatHave(manifest, sources, this.#nearest, signal);
  }

  async probe(wait: Wait): Promise<Health> {
    const { relays, servers } = this.#parts;
    this.#answered = await askServers(this.#relays, relays, servers, wait.signal);
    return this.health();
  }

  health(): Health {
    const { relays, servers } = this.#parts;
    return healthOf(relays, servers, this.#answered, this.#key);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#keepAlive);
    await this.#publisher[Symbol.asyncDispose]();
    this.#notices[Symbol.dispose]();
    this.#relays[Symbol.dispose]();
    this.#key[Symbol.dispose]();
  }
}

function idOf(publicKey: string): string {
  return publisherId(Uint8Array.fromHex(publicKey));
}

/** Where git itself can clone it: the publisher's own https server, as the manifest names it. */
function cloneUrls({ publisher, name, endpoints }: Manifest): string[] {
  return (endpoints.default ?? []).map((host) => `https://${host}/${idOf(publisher)}/${name}.git`);
}
