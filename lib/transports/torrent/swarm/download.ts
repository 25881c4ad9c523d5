/**
 * A torrent that is being fetched: from an infohash to a whole file.
 *
 * @module
 */
import { NetworkError, VerificationError } from "../../../common/errors.ts";
import { placeOf } from "../../../common/ip_address.ts";
import type { Progress, Trace } from "../../../common/wait.ts";
import { Blame } from "./blame.ts";
import type { PeerAddress } from "./candidates.ts";
import { Dialer } from "./dialer.ts";
import { fetchMetadata } from "./extensions.ts";
import { maxInfoBytes, type Metainfo, parseInfo, pieceSize } from "./metainfo.ts";
import { type Block, Picker } from "./picker.ts";
import { PieceBuffers } from "./piece_buffers.ts";
import { isPiece, PieceFile } from "./piece_file.ts";
import { type Peer, type SwarmContext, Torrent } from "./torrent.ts";

/** Bytes of unfinished pieces kept in memory. */
const MAX_PARTIAL = 32 * 1024 * 1024;
/** Milliseconds between looking for silent peers and addresses to try again. */
const TICK = 500;
/** Milliseconds that peers are served after the end, until the file is seeded for good. */
const REST_MS = 30_000;
/** Of these, for those that have just heard what is here, and have not said yet that they want it. */
const REPLY_MS = 1_000;
/** Milliseconds without a block until a peer that has nothing new is told that nothing is wanted. */
const DISINTEREST_MS = 1_000;
/** Milliseconds that a new piece may wait until peers are told, of several at once: each costs a packet to each. */
const NEWS_MS = 100;
/** Milliseconds between two reports of progress within a piece. */
const REPORT = 250;

/** What {@linkcode Download} fetches, and where from. */
export interface FetchOptions {
  /** 40 lower-case hex digits. */
  readonly infohash: string;
  /** Bytes that the file must have, where known. */
  readonly length?: number;
  /** The file name that the torrent must give, where known. */
  readonly name?: string;
  /** The longest file accepted, in bytes. */
  readonly maxLength: number;
  /** The file to write. What an earlier attempt left there is checked and kept. */
  readonly into: string;
  /** Addresses to try, as they are found. */
  readonly peers: AsyncIterable<PeerAddress> | Iterable<PeerAddress>;
  readonly signal: AbortSignal;
  /** Told bytes received of bytes in all. */
  readonly progress?: Progress;
  /** Told how many bytes from the start of the file are verified and written. */
  readonly prefix?: (bytes: number) => void;
  /** Told how many peers have shaken hands, whenever that changes. */
  readonly connected?: (peers: number) => void;
  readonly trace?: Trace;
}

/** One fetch. It serves to others what it has. */
export class Download extends Torrent {
  readonly #options: FetchOptions;
  readonly #dialer: Dialer;
  readonly #blame = new Blame<Peer>();
  readonly #outcome = Promise.withResolvers<void>();
  /** Nobody wants anything of what is here any more. */
  readonly #served = Promise.withResolvers<void>();
  readonly #awaitingInfo = new Map<Peer, (info: Uint8Array) => void>();
  #picker: Picker<Peer> | undefined;
  #buffers: PieceBuffers | undefined;
  /** Set once the info dictionary is here; settles when the file is open and what it holds is known. */
  #opening: Promise<void> | undefined;
  readonly #ending = new AbortController();
  #everConnected = 0;
  #doneBytes = 0;
  #prefixPieces = 0;
  #reportedAt = 0;
  /** Pieces that peers are to be told of, and when. */
  #news: number[] = [];
  #telling: ReturnType<typeof setTimeout> | undefined;
  #mayReply = true;

  constructor(swarm: SwarmContext, options: FetchOptions) {
    super(swarm, options.infohash);
    this.#options = options;
    this.#dialer = new Dialer({
      swarm,
      peers: this.peerSet,
      adopt: (wire, address) => this.adopt(wire, address),
      changed: () => this.#giveUpIfHopeless(),
    });
  }

  /**
   * Fetches, until the file is whole and verified. It is not flushed: what a power cut leaves
   * of it is checked again when a fetch resumes.
   *
   * @param info the info dictionary, where it is known already
   * @throws {NetworkError} "nobody-answered" when all known peers were tried in vain, or the
   * signal's deadline came
   * @throws {VerificationError} "wrong-torrent" where name or length are not the expected ones
   * @throws {StoreError} where the disk fails
   */
  async run(info?: Uint8Array): Promise<void> {
    const { signal } = this.#options;
    const abort = () => this.#fail(this.#reason(signal.reason));
    const timer = setInterval(() => this.#tick(), TICK);
    try {
      if (signal.aborted) abort();
      signal.addEventListener("abort", abort, { once: true });
      if (info) this.#gotInfo(info);
      this.#dialer.search(this.#options.peers, signal);
      await this.#outcome.promise;
      this.#dialer.close();
    } catch (error) {
      await this.#end();
      throw error;
    } finally {
      clearInterval(timer);
      signal.removeEventListener("abort", abort);
    }
  }

  /**
   * Serves, after a fetch that went well, the connected peers that still want something: they may be
   * half-way through what only this node has. Ends when there are none, soon, or when closed.
   */
  async serveRest(): Promise<void> {
    const timers = [
      setTimeout(() => this.#served.resolve(), REST_MS),
      setTimeout(() => {
        this.#mayReply = false;
        this.#endIfServed();
      }, REPLY_MS),
    ];
    this.#endIfServed();
    await this.#served.promise;
    timers.forEach(clearTimeout);
    await this.#end();
  }

  async #end(): Promise<void> {
    this.close();
    await this.#opening; // else the file would be made after the end
    if (!this.content) return;
    this.swarm.uploads.forget(this.content.file);
    await this.content.file.close();
  }

  #endIfServed(): void {
    const wants = (peer: Peer) =>
      peer.wire.protocol.peerInterested || this.#mayReply && !this.#picker?.hasAll(peer);
    if (![...this.peerSet].some(wants)) this.#served.resolve();
  }

  /** Ends the fetch; without effect where it has ended. */
  override close(): void {
    this.#ending.abort();
    clearTimeout(this.#telling);
    this.#dialer.close();
    super.close();
    this.#served.resolve();
    this.#outcome.reject(new NetworkError("closed", "can't download: BitTorrent was stopped"));
  }

  /** Tries one more address. */
  override learned(address: PeerAddress, from?: Peer): void {
    this.#dialer.add(address, from && placeOf(from.wire.host));
  }

  protected override prepare(): undefined {}

  protected override requestMetadata(peer: Peer): void {
    const { infohash, length, maxLength } = this.#options;
    const known = fetchMetadata(peer.wire, {
      infohash,
      maxBytes: maxInfoBytes(length ?? maxLength),
      received: (info) => this.#gotInfo(info),
      lied: () => this.ban(peer, "wrong-metadata"),
    });
    this.#awaitingInfo.set(peer, known);
  }

  protected override joined(peer: Peer): void {
    const { host, port } = peer.wire;
    if (this.#everConnected++ === 0) this.#options.trace?.(`first peer: ${host}:${port}`);
    this.#options.connected?.(this.peers.length);
    const { protocol } = peer.wire;
    protocol.on("bitfield", () => this.#readPieces(peer));
    protocol.on("have", (piece) => {
      this.#picker?.peerHas(peer, piece);
      this.#fill(peer);
    });
    protocol.on("unchoke", () => {
      peer.lastBlock = performance.now();
      this.#fill(peer);
    });
    protocol.on("uninterested", () => this.#picker?.done && this.#endIfServed());
    protocol.on("choke", () => {
      this.#picker?.releaseAll(peer);
      this.#fillAll();
    });
    if (this.#picker) this.#usePeer(peer);
  }

  protected override left(peer: Peer): void {
    this.#picker?.removePeer(peer);
    this.#awaitingInfo.delete(peer);
    this.#options.connected?.(this.peers.length);
    if (this.#picker?.done) this.#endIfServed();
    this.#fillAll();
  }

  #gotInfo(bytes: Uint8Array): void {
    if (!this.closed) this.#opening ??= this.#open(bytes);
  }

  async #open(bytes: Uint8Array): Promise<void> {
    try {
      const info = this.#expected(parseInfo(bytes, this.#options.maxLength));
      for (const known of this.#awaitingInfo.values()) known(bytes);
      this.#awaitingInfo.clear();
      const file = await PieceFile.openPartial(this.#options.into, info);
      const have = await file.verified(this.#ending.signal).catch(async (error) => {
        await file.close();
        throw error;
      });
      if (this.closed) return await file.close();
      this.content = { info, file, have };
      const picker = new Picker<Peer>(info, have, Math.floor(MAX_PARTIAL / info.pieceLength));
      this.#picker = picker;
      this.#buffers = new PieceBuffers(info, (piece) => picker.isActive(piece));
      this.#start();
    } catch (error) {
      this.#fail(this.#options.signal.aborted ? this.#reason(error) : error);
    }
  }

  #expected(info: Metainfo): Metainfo {
    const { infohash, name, length } = this.#options;
    const wrong = name !== undefined && info.name !== name
      ? `its file is named ${JSON.stringify(info.name)}`
      : length !== undefined && info.length !== length
      ? `its file has ${info.length} bytes, not ${length}`
      : undefined;
    if (wrong === undefined) return info;
    throw new VerificationError("wrong-torrent", `can't use torrent ${infohash}: ${wrong}`);
  }

  #start(): void {
    const { info, have } = this.content!;
    for (let i = 0; i < info.pieces; i++) if (have.has(i)) this.#doneBytes += pieceSize(info, i);
    for (const peer of this.peerSet) if (peer.ready) this.#announceAll(peer);
    for (const peer of this.peerSet) if (peer.ready) this.#usePeer(peer);
    this.#report();
    this.#tellPrefix();
    if (have.isFull) this.#outcome.resolve();
  }

  #announceAll(peer: Peer): void {
    const { info, have } = this.content!;
    for (let i = 0; i < info.pieces; i++) if (have.has(i)) peer.wire.protocol.have(i);
  }

  #usePeer(peer: Peer): void {
    this.#picker!.addPeer(peer);
    this.#readPieces(peer);
  }

  #readPieces(peer: Peer): void {
    const pieces = this.content?.info.pieces ?? 0;
    const { peerPieces } = peer.wire.protocol;
    for (let i = 0; i < pieces; i++) if (peerPieces.get(i)) this.#picker?.peerHas(peer, i);
    this.#fill(peer);
  }

  #fillAll(): void {
    for (const peer of this.peerSet) this.#fill(peer);
  }

  /** Asks a peer for as much as its pipeline takes. */
  #fill(peer: Peer): void {
    const picker = this.#picker;
    const { protocol, closed } = peer.wire;
    if (!picker || closed || !peer.ready || this.closed) return;
    if (picker.done) return protocol.uninterested();
    if (!picker.isInteresting(peer)) return; // maybe soon again: see the tick
    protocol.interested();
    if (protocol.peerChoking) return;
    const outstanding = picker.outstanding(peer);
    if (outstanding >= peer.pipeline.depth) return;
    const now = performance.now();
    if (outstanding === 0) peer.lastBlock = now;
    for (const block of picker.next(peer, peer.pipeline.depth - outstanding)) {
      protocol.request(block.piece, block.offset, block.length, (error, bytes) => {
        if (error || !bytes) picker.released(peer, block);
        else this.#received(peer, block, bytes, now);
      });
    }
  }

  #received(peer: Peer, block: Block, bytes: Uint8Array, askedAt: number): void {
    const picker = this.#picker!;
    const now = performance.now();
    peer.lastBlock = now;
    peer.pipeline.blockReceived(now - askedAt);
    const arrival = picker.received(peer, block);
    if (arrival.wanted && !this.closed) {
      this.#buffers!.get(block.piece).set(bytes, block.offset);
      for (const other of arrival.cancel) {
        other.wire.protocol.cancel(block.piece, block.offset, block.length);
        this.#fill(other);
      }
      if (arrival.complete) this.#check(block.piece, arrival.complete);
      else if (now - this.#reportedAt > REPORT) this.#report();
    }
    this.#fill(peer);
  }

  async #check(piece: number, senders: readonly Peer[]): Promise<void> {
    const { info, file } = this.content!;
    const bytes = this.#buffers!.get(piece);
    try {
      if (!isPiece(info, piece, bytes)) {
        this.#picker!.failed(piece);
        const liar = this.#blame.failed(piece, bytes, senders);
        if (liar) this.ban(liar, "wrong-piece");
        return;
      }
      for (const liar of this.#blame.verified(piece, bytes)) this.ban(liar, "wrong-piece");
      await file.write(piece, bytes);
      this.#picker!.verified(piece);
      this.#doneBytes += bytes.length;
      if (this.closed) return;
      this.#news.push(piece);
      if (this.#picker!.done) this.#tellNews();
      else this.#telling ??= setTimeout(() => this.#tellNews(), NEWS_MS);
      this.#report();
      this.#tellPrefix();
      if (this.#picker!.done) this.#outcome.resolve();
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#buffers!.free(piece);
      this.#fillAll();
    }
  }

  #tellNews(): void {
    clearTimeout(this.#telling);
    this.#telling = undefined;
    const news = this.#news.splice(0);
    for (const { ready, wire } of this.peerSet) {
      for (const piece of ready ? news : []) wire.protocol.have(piece);
    }
  }

  #tick(): void {
    const picker = this.#picker;
    const now = performance.now();
    for (const peer of [...this.peerSet]) {
      const silent = now - peer.lastBlock > this.swarm.patienceMs;
      if (silent && (!peer.ready || picker && picker.outstanding(peer) > 0)) {
        peer.wire.close("silent-peer");
      }
      // At once it would cost a slot, and the way there and back, with each piece that peers get.
      const isIdle = picker && !picker.isInteresting(peer) && now - peer.lastBlock > DISINTEREST_MS;
      if (isIdle && peer.ready) peer.wire.protocol.uninterested();
    }
    this.#dialer.dial(); // some wait for their next attempt
  }

  #report(): void {
    this.#reportedAt = performance.now();
    const { length } = this.content!.info;
    const done = Math.min(length, this.#doneBytes + this.#picker!.partialBytes);
    this.#options.progress?.(done, length, this.infohash);
  }

  #tellPrefix(): void {
    const { info, have } = this.content!;
    const before = this.#prefixPieces;
    while (this.#prefixPieces < info.pieces && have.has(this.#prefixPieces)) this.#prefixPieces++;
    if (this.#prefixPieces === before) return;
    this.#options.prefix?.(Math.min(info.length, this.#prefixPieces * info.pieceLength));
  }

  /** Nobody is connected, nobody is left to be tried, and no more addresses will come. */
  #giveUpIfHopeless(): void {
    if (this.closed || this.peerSet.size > 0 || !this.#dialer.isExhausted) return;
    const isBusy = this.#opening && (!this.content || this.content.have.isFull);
    if (!isBusy) this.#fail(this.#nobody());
  }

  #fail(error: unknown): void {
    this.#outcome.reject(error);
    this.close();
  }

  /** A deadline means that nobody answered; any other reason is the caller's own. */
  #reason(reason: unknown): unknown {
    return reason instanceof NetworkError && reason.code === "timed-out" ? this.#nobody() : reason;
  }

  #nobody(): NetworkError {
    const { infohash, name } = this.#options;
    const why = this.content
      ? `peers sent ${this.content.have.count} of ${this.content.info.pieces} pieces and then no more`
      : this.#everConnected > 0
      ? "no peer has it"
      : "no peer answers";
    return new NetworkError("nobody-answered", `can't download ${name ?? infohash}: ${why}`, {
      hint: "try again when someone who has it is online; what was downloaded is kept",
    });
  }
}
