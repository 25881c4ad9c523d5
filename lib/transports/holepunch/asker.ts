/**
 * Asking peers, and the DHT's records, for what this node lacks.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { GtrError, NetworkError, toGtrError, VerificationError } from "../../common/errors.ts";
import { deadline, type Wait } from "../../common/wait.ts";
import type { RepoAddress } from "../../identity/address.ts";
import { publisherId } from "../../identity/keys.ts";
import { isAnnounced } from "../../manifest/flow.ts";
import type { Manifest, PackRef, SignedManifest } from "../../manifest/types.ts";
import type { NetworkContext } from "../../ports/network.ts";
import type { FetchWait, Holder } from "../../ports/packs.ts";
import type { LiveStream } from "../../ports/streams.ts";
import { concurrently } from "./concurrently.ts";
import { Connections, type Patience } from "./connections.ts";
import { Conversation } from "./conversation.ts";
import type { Exchange } from "./exchange/exchange.ts";
import { pieceCount } from "./exchange/piece_set.ts";
import { fetchFromPeers } from "./fetch_pack.ts";
import { askPieces } from "./fetch_peer.ts";
import type { HyperNode, PeerAddress } from "./node.ts";
import type { PieceFile } from "./piece_file.ts";
import { watchNotices } from "./notices.ts";
import { Records } from "./records.ts";
import { topicOf } from "./topic.ts";

/** Peers that are asked at once. */
const AT_ONCE = 6;
/** Of a stranger's manifest no more endpoints are tried. */
const MAX_ENDPOINTS = 8;
/** Smaller packs are fetched too soon to be passed on meanwhile. */
const SHARED_BYTES = 1024 * 1024;

/** What an asker is made from. */
export interface AskerOptions {
  readonly context: NetworkContext;
  readonly node: HyperNode;
  readonly records: Records;
  readonly exchange: Exchange;
  /** Makes this node findable under a repository's topic before it has all; calling back ends it. */
  readonly meet: (manifest: Manifest) => () => void;
  /** Ends all searches. */
  readonly stop: AbortSignal;
}

/** What a node asks others. */
export class Asker {
  readonly #context: NetworkContext;
  readonly #node: HyperNode;
  readonly #records: Records;
  readonly #exchange: Exchange;
  readonly #meet: (manifest: Manifest) => () => void;
  readonly #stop: AbortSignal;
  readonly #connections: Connections<Conversation>;

  constructor({ context, node, records, exchange, meet, stop }: AskerOptions) {
    this.#context = context;
    this.#node = node;
    this.#records = records;
    this.#exchange = exchange;
    this.#meet = meet;
    this.#stop = stop;
    const { openManifest } = context;
    this.#connections = new Connections((peer, signal, keep, searching) =>
      Conversation.open(node, peer, { openManifest, keep, searching }, signal)
    );
    stop.addEventListener("abort", () => this.#connections[Symbol.dispose](), { once: true });
  }

  async *resolve(
    { id, name, publicKey }: Omit<RepoAddress, "scheme">,
    known: readonly string[],
    signal: AbortSignal,
  ): AsyncGenerator<SignedManifest> {
    let best = 0;
    const ask = async (peer: PeerAddress, own: AbortSignal) => {
      using limit = deadline(this.#timeoutMs, "a peer's manifest", own);
      using conversation = await this.#connect(peer, limit.signal);
      const wanted = { id, name, publicKey };
      const signed = await this.#checked(conversation.manifest(wanted, limit.signal));
      const isPublishers = signed.manifest.endpoints.holepunch?.includes(peer.key) ?? false;
      return { signed, isPublishers };
    };
    const peers = (own: AbortSignal) => this.#find(id, name, known, own);
    const kept = async (own: AbortSignal) => {
      using limit = deadline(this.#timeoutMs, "HyperDHT's records", own);
      if (await this.#node.isolated(limit.signal)) {
        throw new NetworkError("unreachable", "no node of HyperDHT answers");
      }
      const record = this.#records.manifest({ id, name, publicKey }, limit.signal);
      const signed = await this.#checked(record);
      return signed && { signed, isPublishers: false };
    };
    const either = (source: PeerAddress | Records, own: AbortSignal) =>
      source instanceof Records ? kept(own) : ask(source, own);
    const records = this.#records;
    const sources = async function* (own: AbortSignal) {
      yield records;
      yield* peers(own);
    };
    for await (const { signed, isPublishers } of concurrently(sources, AT_ONCE, either, signal)) {
      if (signed.manifest.sequence > best) {
        best = signed.manifest.sequence;
        yield signed;
      }
      if (isPublishers) return; // no reader knows better
    }
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

  async dial(from: SignedManifest, { signal }: Wait): Promise<LiveStream> {
    const { manifest } = from;
    const streams: LiveStream[] = [];
    let failure: GtrError | undefined;
    const ask = async (peer: PeerAddress, own: AbortSignal): Promise<LiveStream> => {
      try {
        const stream = await this.#dialPeer(peer, from, own);
        streams.push(stream);
        return stream;
      } catch (error) {
        if (error instanceof GtrError) failure = error;
        throw error;
      }
    };
    const peers = (own: AbortSignal) => this.#peersOf(manifest, own);
    try {
      for await (const stream of concurrently(peers, AT_ONCE, ask, signal)) {
        streams.splice(streams.indexOf(stream), 1);
        return stream;
      }
    } catch (error) {
      signal.throwIfAborted();
      failure = toGtrError(error);
    } finally {
      for (const slower of streams) slower.close();
    }
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
    void watchNotices(source, listener, AbortSignal.any([signal, this.#stop]));
  }

  async holders(manifest: Manifest, signal: AbortSignal): Promise<Holder[]> {
    const { name, packs, sequence } = manifest;
    const id = publisherId(Uint8Array.fromHex(manifest.publisher));
    const ask = async (peer: PeerAddress, own: AbortSignal): Promise<Holder> => {
      using limit = deadline(this.#timeoutMs, "a peer to say what it has", own);
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

  async #fetchFromPeers(pack: PackRef, manifest: Manifest, into: string, wait: FetchWait) {
    const exchange = this.#exchange;
    const share = (target: PieceFile, learned: (key: string) => void) =>
      exchange.share(target, into, learned, this.#meet(manifest));
    await fetchFromPeers(
      {
        pack,
        name: manifest.name,
        peers: (signal) => this.#peersOf(manifest, signal),
        connect: (peer, signal, patience) => this.#connect(peer, signal, patience),
        key: this.#node.key,
        ...(pack.size >= SHARED_BYTES ? { share } : {}),
        received: (host, bytes) => exchange.turns.received(host, bytes),
        timeoutMs: this.#timeoutMs,
        dropped: this.#context.dropped,
      },
      into,
      wait,
    );
  }

  async #fetchFromRecords(
    pack: PackRef,
    manifest: Manifest,
    into: string,
    { signal, progress, prefix }: FetchWait,
  ): Promise<boolean> {
    using limit = deadline(this.#timeoutMs, "a pack in HyperDHT", signal);
    const bytes = await this.#checked(this.#records.pack(manifest, pack, limit.signal))
      .catch(() => undefined); // why no peer had it says more
    signal.throwIfAborted();
    if (!bytes || createHash("sha256").update(bytes).digest("hex") !== pack.sha256) return false;
    await writeFile(into, bytes);
    prefix?.(pack.size);
    progress?.(pack.size, pack.size, manifest.name);
    return true;
  }

  async #dialPeer(
    peer: PeerAddress,
    from: SignedManifest,
    signal: AbortSignal,
  ): Promise<LiveStream> {
    using limit = deadline(this.#timeoutMs, "a live answer", signal);
    const conversation = await this.#connect(peer, limit.signal);
    const close = () => conversation[Symbol.dispose]();
    try {
      const live = await this.#checked(conversation.live(from, limit.signal));
      signal.throwIfAborted(); // another was faster
      return { ...live, peer: `holepunch ${peer.key.slice(0, 12)}`, close };
    } catch (error) {
      close();
      throw error;
    }
  }

  get #timeoutMs(): number {
    return this.#context.settings.get("network.timeout") * 1000;
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
    const either = AbortSignal.any([signal, this.#stop]);
    const seen = new Set([this.#node.key]);
    for (const key of named.slice(0, MAX_ENDPOINTS)) {
      if (!/^[0-9a-f]{64}$/.test(key) || seen.has(key)) continue;
      seen.add(key);
      yield { key };
    }
    for await (const peer of this.#node.lookup(topicOf(id, name), either)) {
      if (peer.near || !seen.has(peer.key)) yield peer;
    }
  }

  #connect(peer: PeerAddress, signal: AbortSignal, patience?: Patience): Promise<Conversation> {
    return this.#connections.connect(peer, this.#timeoutMs, signal, patience);
  }

  /** Counts a peer that shows something wrong. */
  async #checked<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      if (error instanceof VerificationError) this.#context.dropped(error.code);
      throw error;
    }
  }
}

/** Whether the peer says that it has every piece of each pack. */
async function hasPacks(
  conversation: Conversation,
  packs: readonly PackRef[],
  signal: AbortSignal,
): Promise<boolean> {
  for (const pack of packs) {
    try {
      const pieces = await askPieces(conversation, pack, undefined, signal);
      if (pieces.length < pieceCount(pack.size)) return false;
    } catch (error) {
      if (error instanceof NetworkError && error.code === "refused") return false;
      throw error;
    }
  }
  return true;
}
