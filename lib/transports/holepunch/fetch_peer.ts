/**
 * One peer of a fetch: what it has of the pack, and what it is asked for.
 *
 * @module
 */
import { NetworkError, VerificationError } from "../../common/errors.ts";
import { idleDeadline } from "../../common/wait.ts";
import { infohashOf, packInfo } from "../../manifest/pack_torrent.ts";
import type { PackRef } from "../../manifest/types.ts";
import type { Conversation } from "./conversation.ts";
import { encodePieces, pieceCount, piecesOf } from "./exchange/piece_set.ts";
import type { Scheduler } from "./exchange/scheduler.ts";
import type { News } from "./messages.ts";
import type { PieceFile } from "./piece_file.ts";

/** Requests on their way: one is always being answered. */
const DEPTH = 2;
/** Bytes that a peer is asked for at a time, at least a piece: first, and at most. */
const FIRST_BYTES = 128 * 1024;
const MOST_BYTES = 1024 * 1024;
/** An answer that takes longer than the one is of too many bytes, if it took less than the other of too few. */
const SLOW_MS = 1_000;
const QUICK_MS = 500;
/** News without a new piece that a peer may send. */
const MAX_IDLE_NEWS = 100;
const SHA1_BYTES = 20;

/** What the peers of a fetch have in common. */
export interface FetchContext {
  readonly target: PieceFile;
  readonly scheduler: Scheduler<FetchPeer>;
  /** Where others can fetch what is here of it, if they can. */
  readonly key: string | undefined;
  /** Milliseconds without an answer after which a peer is given up. */
  readonly timeoutMs: number;
  /** A piece has come from a peer. */
  readonly came: (peer: FetchPeer, piece: number) => void;
  /** A peer told of another one. */
  readonly learned: (key: string) => void;
}

/**
 * The hashes of the pieces: with what else is known of the pack they make its infohash.
 *
 * @throws {VerificationError} "wrong-metadata"
 */
export async function askHashes(
  conversation: Conversation,
  pack: PackRef,
  signal: AbortSignal,
): Promise<Uint8Array> {
  await conversation.send({ version: 1, want: "pieces", sha256: pack.sha256 }, signal);
  const length = pieceCount(pack.size) * SHA1_BYTES;
  const hashes = await conversation.bytes(await conversation.answer(length, signal), signal);
  if (infohashOf(packInfo(pack.sha256, pack.size, hashes)) === pack.infohash) return hashes;
  throw new VerificationError("wrong-metadata", "a peer's hashes of the pack are of another");
}

/**
 * Which pieces of a pack a peer has.
 *
 * @param key tells it where others can fetch from this node
 */
export async function askPieces(
  conversation: Conversation,
  { sha256, size }: PackRef,
  key: string | undefined,
  signal: AbortSignal,
): Promise<number[]> {
  const count = pieceCount(size);
  await conversation.send({ version: 1, want: "have", sha256, ...(key ? { key } : {}) }, signal);
  const bytes = await conversation.answer(Math.ceil(count / 8), signal);
  const pieces = piecesOf(await conversation.bytes(bytes, signal));
  return pieces.filter((piece) => piece < count);
}

/** Asks one peer for pieces, until there is nothing more to fetch. */
export class FetchPeer {
  readonly conversation: Conversation;
  readonly #context: FetchContext;
  /** Bytes of the next request. */
  #bytes = FIRST_BYTES;
  #askedAt: number[] = [];
  #answeredAt = 0;
  /** When it was last of use, in milliseconds. */
  #usefulAt = performance.now();
  #news = 0;
  /** Set while there is an answer to be had. */
  #patience: { readonly signal: AbortSignal; touch(): void } | undefined;

  constructor(conversation: Conversation, context: FetchContext) {
    this.conversation = conversation;
    this.#context = context;
  }

  /** Milliseconds for which it has had nothing that is missing here. */
  get idleMs(): number {
    return performance.now() - this.#usefulAt;
  }

  /**
   * Fetches until the file is whole, or the signal's abort.
   *
   * @throws {NetworkError} "no-live-peer", "refused", "nobody-answered"
   * @throws {VerificationError} where it sends something wrong
   */
  async run(signal: AbortSignal): Promise<void> {
    const { target, scheduler, key, timeoutMs } = this.#context;
    const what = `a peer sends nothing of pack ${target.pack.sha256.slice(0, 12)}`;
    using patience = idleDeadline(timeoutMs, what, signal);
    const pieces = await askPieces(this.conversation, target.pack, key, patience.signal);
    scheduler.join(this);
    scheduler.peerHas(this, pieces);
    this.#patience = patience;
    try {
      while (!target.isWhole) {
        this.fill();
        const reply = await this.conversation.reply(patience.signal);
        patience.touch();
        if ("bytes" in reply) await this.#receive(reply, patience);
        else this.#hear(reply);
      }
    } catch (error) {
      if (!(error instanceof NetworkError) || error.code !== "refused") throw error;
      throw new VerificationError("missing-piece", "a peer doesn't have what it said it has");
    } finally {
      this.#patience = undefined;
      scheduler.leave(this);
    }
  }

  /** Asks for what there is to ask for. */
  fill(): void {
    if (!this.#patience) return;
    const { signal, touch } = this.#patience;
    const { target, scheduler } = this.#context;
    const { sha256 } = target.pack;
    const outstanding = scheduler.outstanding(this);
    if (outstanding === 0) touch(); // it has no reason to send anything
    if (outstanding > 0 || scheduler.isInteresting(this)) this.#usefulAt = performance.now();
    while (scheduler.outstanding(this) < DEPTH) {
      const ask = scheduler.next(this, Math.max(1, Math.floor(this.#bytes / target.length)));
      if (!ask) return;
      this.#askedAt.push(performance.now());
      const request = { version: 1, want: "pack", sha256, most: ask.most } as const;
      // Where it fails, there is no answer either.
      this.conversation.send({ ...request, ...encodePieces(ask.pieces) }, signal).catch(() => {});
    }
  }

  async #receive(
    { piece: first, bytes }: { piece?: number | undefined; bytes: number },
    { signal, touch }: { signal: AbortSignal; touch(): void },
  ): Promise<void> {
    const { target, scheduler, came } = this.#context;
    const pieces: number[] = [];
    let length = 0;
    for (let i = first ?? target.count; length < bytes && i < target.count; i++) {
      pieces.push(i);
      length += target.lengthOf(i);
    }
    if (length !== bytes || !scheduler.answered(this, pieces)) {
      throw new VerificationError("wrong-range", "a peer sends another part than was asked for");
    }
    const askedAt = this.#askedAt.shift()!;
    this.fill();
    for (const piece of pieces) {
      const content = await this.conversation.bytes(target.lengthOf(piece), signal);
      touch();
      const isNew = await target.write(piece, content);
      scheduler.arrived(piece);
      if (isNew) came(this, piece);
    }
    const now = performance.now();
    const took = now - Math.max(askedAt, this.#answeredAt);
    this.#answeredAt = now;
    if (took < QUICK_MS) this.#bytes = Math.min(MOST_BYTES, 2 * this.#bytes);
    if (took > SLOW_MS) this.#bytes = Math.max(target.length, this.#bytes / 2);
  }

  #hear(news: News): void {
    const { scheduler, learned } = this.#context;
    if (++this.#news > MAX_IDLE_NEWS) {
      throw new VerificationError("news-flood", "a peer tells more than there is to tell");
    }
    if ("peers" in news) return news.peers.forEach(learned);
    if (scheduler.peerHas(this, news.have)) this.#news = 0;
  }
}
