/**
 * A node that is in use: what it serves, announces, finds and asks.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { GtrError, NetworkError, toGtrError, VerificationError } from "../../common/errors.ts";
import { abortable, deadline } from "../../common/wait.ts";
import type { RepoAddress } from "../../identity/address.ts";
import { publisherId } from "../../identity/keys.ts";
import { isAnnounced } from "../../manifest/flow.ts";
import type { Manifest, PackRef, SignedManifest } from "../../manifest/types.ts";
import type { Server } from "../../types/hyperdht.d.ts";
import type {
  FetchWait,
  Health,
  Holder,
  LiveAnswer,
  LiveStream,
  PackFile,
  TransportContext,
  Wait,
} from "../transport.ts";
import { TopicAnnouncer } from "./announcer.ts";
import { concurrently } from "./concurrently.ts";
import { Conversation } from "./conversation.ts";
import { fetchFromPeers } from "./fetch_pack.ts";
import { HyperNode, type PeerAddress } from "./node.ts";
import { watchNotices } from "./notices.ts";
import type { Offers } from "./offers.ts";
import { Records } from "./records.ts";
import { PeerServer } from "./server.ts";
import { repositoryOf, topicOf } from "./topic.ts";
import { Watchers } from "./watchers.ts";

/** Nodes of the DHT forget what was put after two days. */
const AGAIN_MS = 12 * 60 * 60_000;
/** Peers that are asked at once. */
const AT_ONCE = 6;
/** Of a stranger's manifest no more endpoints are tried. */
const MAX_ENDPOINTS = 8;
/** How long a peer may take until it has asked for something. */
const GREETING_MS = 30_000;
/** A peer that was only announced may be gone: connecting takes no longer. */
const CONNECT_MS = 5_000;

/** What a peer is made from. */
export interface PeerOptions {
  readonly context: TransportContext;
  readonly offers: Offers;
  /** The 32 bytes of which its key pair is made. */
  readonly seed: Uint8Array;
  readonly live: () => LiveAnswer | undefined;
}

/** What of a repository is kept in the DHT. */
interface Kept {
  readonly signed: SignedManifest;
  readonly packs: readonly PackFile[];
}

/** One node of HyperDHT with its server. */
export class Peer implements AsyncDisposable {
  readonly #options: PeerOptions;
  readonly #node: HyperNode;
  readonly #server: PeerServer;
  readonly #watchers: Watchers;
  readonly #records: Records;
  /** "<id>/<name>" -> what of it is kept in the DHT. */
  readonly #kept = new Map<string, Kept>();
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #stop = new AbortController();
  /** Undefined until the DHT has taken the server's announcement. */
  readonly #announcer: Promise<TopicAnnouncer>;

  private constructor(options: PeerOptions, node: HyperNode) {
    const { context: { settings, dropped, log } } = options;
    const connections = settings.get("holepunch.maxConnections");
    this.#options = options;
    this.#node = node;
    this.#watchers = new Watchers(Math.ceil(connections / 2));
    const { key } = options.context;
    this.#records = new Records(node.dht, key, settings.get("holepunch.dhtPacks"));
    this.#timer = setInterval(() => void this.#keepAll(), AGAIN_MS);
    const server = new PeerServer({
      limits: {
        connections,
        uploadRate: settings.get("holepunch.uploadRate"),
        patience: GREETING_MS,
        live: {
          streams: settings.get("live.streams"),
          perPeer: settings.get("live.perPeer"),
          uploadRate: settings.get("live.uploadRate"),
          seconds: settings.get("live.seconds"),
          idle: settings.get("live.idle"),
        },
      },
      offers: options.offers,
      watchers: this.#watchers,
      live: options.live,
      dropped,
      log,
    });
    this.#server = server;
    const listening: Promise<Server> = node.listen(
      () => server.admits(),
      (stream) => server.accept(stream),
    );
    this.#announcer = listening.then((listener) => new TopicAnnouncer(node, listener, log));
    this.#announcer.catch((error) => log(`holepunch can't listen: ${error.message}`));
  }

  /** Opens sockets and begins to join the network and to listen. */
  static async open(options: PeerOptions): Promise<Peer> {
    const { settings } = options.context;
    const node = await HyperNode.open({
      host: settings.get("holepunch.host"),
      port: settings.get("holepunch.port"),
      bootstrap: settings.get("holepunch.bootstrap"),
      seed: options.seed,
    });
    return new Peer(options, node);
  }

  async *resolve(
    { id, name, publicKey }: Omit<RepoAddress, "scheme">,
    known: readonly string[],
    signal: AbortSignal,
  ): AsyncGenerator<SignedManifest> {
    let best = 0;
    const ask = async (peer: PeerAddress, own: AbortSignal) => {
      using limit = deadline(this.#timeout, "a peer's manifest", own);
      using conversation = await this.#connect(peer, limit.signal);
      return await this.#checked(conversation.manifest({ id, name, publicKey }, limit.signal));
    };
    const peers = (own: AbortSignal) => this.#find(id, name, known, own);
    const kept = async (own: AbortSignal) => {
      using limit = deadline(this.#timeout, "HyperDHT's records", own);
      return await this.#checked(this.#records.manifest({ id, name, publicKey }, limit.signal));
    };
    const either = (source: PeerAddress | Records, own: AbortSignal) =>
      source instanceof Records ? kept(own) : ask(source, own);
    const records = this.#records;
    const sources = async function* (own: AbortSignal) {
      yield records;
      yield* peers(own);
    };
    for await (const signed of concurrently(sources, AT_ONCE, either, signal)) {
      if (signed.manifest.sequence <= best) continue;
      best = signed.manifest.sequence;
      yield signed;
    }
  }

  /**
   * Makes this node findable as one that has the repository, keeps what is small in the DHT, and tells
   * who waits for news.
   */
  async announce(
    signed: SignedManifest,
    packs: readonly PackFile[],
    { signal }: Wait,
  ): Promise<void> {
    const repository = repositoryOf(signed.manifest);
    const before = this.#kept.get(repository)?.signed.manifest.sequence ?? 0;
    if (before > signed.manifest.sequence) return;
    this.#kept.set(repository, { signed, packs });
    this.#watchers.tell(repository, signed.manifest.sequence);
    const announcer = await this.#announcer;
    await Promise.all([
      announcer.announce(topicOf(...split(repository)), signal),
      abortable(this.#keep(repository), signal),
    ]);
  }

  async forget(manifest: Manifest): Promise<void> {
    const repository = repositoryOf(manifest);
    this.#kept.delete(repository);
    const announcer = await this.#announcer;
    await announcer.forget(topicOf(...split(repository)));
    if (this.#isOwn(manifest)) await this.#records.forget(manifest.name).catch(this.#cantKeep);
  }

  async fetch(
    pack: PackRef,
    { manifest }: SignedManifest,
    into: string,
    wait: FetchWait,
  ): Promise<void> {
    try {
      await this.#fetchFromPeers(pack, manifest, into, wait);
    } catch (error) {
      wait.signal.throwIfAborted();
      if (!await this.#fetchFromRecords(pack, manifest, into, wait)) throw error;
    }
  }

  async #fetchFromPeers(pack: PackRef, manifest: Manifest, into: string, wait: FetchWait) {
    await fetchFromPeers(
      {
        pack,
        name: manifest.name,
        peers: (signal) => this.#peersOf(manifest, signal),
        connect: (peer, signal) => this.#connect(peer, signal),
        timeout: this.#timeout,
        dropped: this.#options.context.dropped,
      },
      into,
      wait,
    );
  }

  async dial(from: SignedManifest, { signal }: Wait): Promise<LiveStream> {
    const { manifest } = from;
    let failure: GtrError | undefined;
    const ask = async (peer: PeerAddress, own: AbortSignal): Promise<LiveStream> => {
      using limit = deadline(this.#timeout, "a live answer", own);
      try {
        const conversation = await this.#connect(peer, limit.signal);
        let stream: LiveStream | undefined;
        try {
          const live = await this.#checked(conversation.live(from, limit.signal));
          own.throwIfAborted(); // another was faster
          const close = () => conversation[Symbol.dispose]();
          return stream = { ...live, peer: `holepunch ${peer.key.slice(0, 12)}`, close };
        } finally {
          if (!stream) conversation[Symbol.dispose]();
        }
      } catch (error) {
        if (error instanceof GtrError) failure = error;
        throw error;
      }
    };
    const peers = (own: AbortSignal) => this.#peersOf(manifest, own);
    let found: LiveStream | undefined;
    try {
      for await (const stream of concurrently(peers, AT_ONCE, ask, signal)) {
        if (found) stream.close();
        found ??= stream;
        break;
      }
    } catch (error) {
      signal.throwIfAborted();
      failure = toGtrError(error);
    }
    if (found) return found;
    const why = failure?.message ?? "no peer is known that could have it";
    throw new NetworkError("no-live-peer", `can't fetch ${manifest.name} live: ${why}`, {
      hint: failure?.hint,
      cause: failure,
    });
  }

  watch(manifest: Manifest, listener: (sequence: number) => void, signal: AbortSignal): void {
    const { name } = manifest;
    const source = {
      id: publisherId(Uint8Array.fromHex(manifest.publisher)),
      name,
      peers: (own: AbortSignal) => this.#peersOf(manifest, own),
      connect: (peer: PeerAddress, own: AbortSignal) => this.#connect(peer, own),
    };
    void watchNotices(source, listener, AbortSignal.any([signal, this.#stop.signal]));
  }

  async holders(manifest: Manifest, signal: AbortSignal): Promise<Holder[]> {
    const { name, packs, sequence } = manifest;
    const id = publisherId(Uint8Array.fromHex(manifest.publisher));
    const ask = async (peer: PeerAddress, own: AbortSignal): Promise<Holder> => {
      using limit = deadline(this.#timeout, "a peer to say what it has", own);
      using conversation = await this.#connect(peer, limit.signal);
      const theirs = await this.#checked(conversation.manifest({ id, name }, limit.signal));
      const complete = isAnnounced(manifest)
        ? theirs.manifest.sequence >= sequence
        : await hasPacks(conversation, packs, limit.signal);
      return { peer: peer.key, sequence: theirs.manifest.sequence, complete };
    };
    const peers = (own: AbortSignal) => this.#peersOf(manifest, own);
    return await Array.fromAsync(concurrently(peers, AT_ONCE, ask, signal));
  }

  /** Who waits here for news of it. */
  peers(manifest: Manifest): number {
    return this.#watchers.of(repositoryOf(manifest));
  }

  async probe({ signal }: Wait): Promise<Health> {
    await this.#node.ready(signal);
    const { size, first } = this.#node;
    return {
      reachable: size > 0,
      summary: size > 0
        ? first === undefined
          ? `in touch with ${size} node${size === 1 ? "" : "s"} of HyperDHT`
          : `a new HyperDHT begins here: others join with holepunch.bootstrap ${first}`
        : "no node of HyperDHT answers: check UDP and holepunch.bootstrap",
      details: {
        key: this.#node.key,
        nodes: size,
        connections: this.#server.size,
        ...(first === undefined ? {} : { dht: first }),
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new GtrError("stopping", "gtd is stopping"));
    clearInterval(this.#timer);
    this.#server.close();
    const announcer = await this.#announcer.catch(() => undefined);
    await announcer?.[Symbol.asyncDispose]();
    await this.#node[Symbol.asyncDispose]();
  }

  async #fetchFromRecords(
    pack: PackRef,
    manifest: Manifest,
    into: string,
    { signal, progress, prefix }: FetchWait,
  ): Promise<boolean> {
    using limit = deadline(this.#timeout, "a pack in HyperDHT", signal);
    const bytes = await this.#checked(this.#records.pack(manifest, pack, limit.signal))
      .catch(() => undefined); // why no peer had it says more
    signal.throwIfAborted();
    if (!bytes || createHash("sha256").update(bytes).digest("hex") !== pack.sha256) return false;
    await writeFile(into, bytes);
    prefix?.(pack.size);
    progress?.(pack.size, pack.size, manifest.name);
    return true;
  }

  /** Puts into the DHT what of a repository is small enough; what can't be put can still be served. */
  async #keep(repository: string): Promise<void> {
    const kept = this.#kept.get(repository);
    if (!kept) return;
    const { signed, packs } = kept;
    const work = this.#isOwn(signed.manifest)
      ? this.#records.publish(signed, packs)
      : this.#records.refresh(signed, packs);
    await work.catch(this.#cantKeep);
  }

  async #keepAll(): Promise<void> {
    for (const repository of this.#kept.keys()) await this.#keep(repository);
  }

  readonly #cantKeep = (error: unknown): void => {
    if (this.#stop.signal.aborted) return;
    this.#options.context.log(`can't keep a repository in HyperDHT: ${toGtrError(error).message}`);
  };

  #isOwn({ publisher }: Manifest): boolean {
    return publisher === this.#options.context.key.publicKeyHex;
  }

  get #timeout(): number {
    return this.#options.context.settings.get("network.timeout") * 1000;
  }

  #peersOf(manifest: Manifest, signal: AbortSignal): AsyncGenerator<PeerAddress> {
    const id = publisherId(Uint8Array.fromHex(manifest.publisher));
    return this.#find(id, manifest.name, manifest.endpoints.holepunch ?? [], signal);
  }

  /** Those that are named first, then those that announce themselves. */
  async *#find(
    id: string,
    name: string,
    named: readonly string[],
    signal: AbortSignal,
  ): AsyncGenerator<PeerAddress> {
    const either = AbortSignal.any([signal, this.#stop.signal]);
    const seen = new Set([this.#node.key]);
    for (const key of named.slice(0, MAX_ENDPOINTS)) {
      if (!/^[0-9a-f]{64}$/.test(key) || seen.has(key)) continue;
      seen.add(key);
      yield { key };
    }
    for await (const peer of this.#node.lookup(topicOf(id, name), either)) {
      if (!seen.has(peer.key)) yield peer;
    }
  }

  async #connect(peer: PeerAddress, signal: AbortSignal): Promise<Conversation> {
    const what = `holepunch peer ${peer.key.slice(0, 12)} to answer`;
    using limit = deadline(Math.min(this.#timeout, CONNECT_MS), what, signal);
    return await Conversation.open(this.#node, peer, limit.signal);
  }

  /** Counts a peer that shows something wrong. */
  async #checked<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      if (error instanceof VerificationError) this.#options.context.dropped(error.code);
      throw error;
    }
  }
}

/** Whether the peer delivers the last byte of each pack. */
async function hasPacks(
  conversation: Conversation,
  packs: readonly PackRef[],
  signal: AbortSignal,
): Promise<boolean> {
  for (const { sha256, size } of packs) {
    try {
      await conversation.send(
        { version: 1, want: "pack", sha256, from: size - 1, bytes: 1 },
        signal,
      );
      await conversation.bytes(await conversation.answer(1, signal), signal);
    } catch (error) {
      if (error instanceof NetworkError && error.code === "refused") return false;
      throw error;
    }
  }
  return true;
}

function split(repository: string): [id: string, name: string] {
  const slash = repository.indexOf("/");
  return [repository.slice(0, slash), repository.slice(slash + 1)];
}
