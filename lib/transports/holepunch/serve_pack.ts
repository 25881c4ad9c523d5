/**
 * Answering those who fetch a pack.
 *
 * @module
 */
import { GtrError } from "../../common/errors.ts";
import type { RateLimiter } from "../../common/rate_limiter.ts";
import { abortable, idleDeadline, sleep } from "../../common/wait.ts";
import { pieceLength } from "../../manifest/pack_torrent.ts";
import type { Place } from "./exchange/crowd.ts";
import type { Exchange, PackSource } from "./exchange/exchange.ts";
import { NewsQueue } from "./exchange/news_queue.ts";
import { bitsOf, pieceCount, piecesOf } from "./exchange/piece_set.ts";
import { encodeLine, type Request } from "./messages.ts";

/** Bytes read from a pack at a time. */
const CHUNK = 64 * 1024;
/** Bytes of one answer, or one piece. */
const MAX_ANSWER = 4 * 1024 * 1024;
/** By so many bytes a piece that somebody else got from here is less urgent than one that nobody did. */
const GIVEN_BYTES = 1024 * 1024;

/** The connection of a peer that fetches. */
export interface Fetching {
  readonly host: string;
  readonly writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly signal: AbortSignal;
}

/** What one peer asks about packs, and gets. It fetches one at a time. */
export class PackAnswers implements Disposable {
  readonly news: NewsQueue;
  readonly #exchange: Exchange;
  readonly #peer: Fetching;
  readonly #limiter: RateLimiter;
  readonly #patienceMs: number;
  #place: Place | undefined;
  #pack: string | undefined;
  /** What it has said that others can connect to it by: once, else one could send others anywhere. */
  #key: string | undefined;

  /** @param patienceMs milliseconds in which a peer has to read something */
  constructor(exchange: Exchange, peer: Fetching, limiter: RateLimiter, patienceMs: number) {
    this.#exchange = exchange;
    this.#peer = peer;
    this.#limiter = limiter;
    this.#patienceMs = patienceMs;
    this.news = new NewsQueue(peer.writer);
  }

  /** The hashes of a pack's pieces; undefined: it isn't here. */
  async hashes({ sha256 }: Extract<Request, { want: "pieces" }>): Promise<Uint8Array | undefined> {
    return await this.#exchange.find(sha256)?.hashes();
  }

  /** A bitfield of what is here, and news of it from now on; undefined: nothing is. */
  have({ sha256, key }: Extract<Request, { want: "have" }>): Uint8Array | undefined {
    const source = this.#exchange.find(sha256);
    if (!source) return undefined;
    this.#key ??= key;
    const own = key === this.#key ? key : undefined;
    this.#join(sha256, own);
    if (own !== undefined) this.#exchange.introduce(sha256, own);
    return bitsOf((piece) => source.has(piece), 0, pieceCount(source.pack.size));
  }

  /**
   * Sends pieces, when it is this peer's turn.
   *
   * @returns whether there was something to send
   */
  async send(request: Extract<Request, { want: "pack" }>): Promise<boolean> {
    const { sha256, first, of, most } = request;
    const { host, signal } = this.#peer;
    const wanted = (source: PackSource) =>
      piecesOf(Uint8Array.fromHex(of), first).filter((piece) =>
        piece < pieceCount(source.pack.size) && source.has(piece)
      );
    const before = this.#exchange.find(sha256);
    if (!before || wanted(before).length === 0) return false;
    const place = this.#place && this.#pack === sha256 ? this.#place : this.#join(sha256);
    const cost = () => GIVEN_BYTES * Math.min(place.rarity(wanted(before)), 64);
    using _turn = await this.#exchange.turns.take(host, cost, signal);
    const source = this.#exchange.find(sha256); // what was partial may be whole by now
    const room = Math.max(1, Math.floor(MAX_ANSWER / pieceLength(before.pack.size)));
    const pieces = source ? place.choose(wanted(source), Math.min(most, room)) : [];
    if (!source || pieces.length === 0) return false;
    await this.#send(source, pieces);
    return true;
  }

  /** It fetches nothing any more. */
  leave(): void {
    this.#place?.[Symbol.dispose]();
    this.#place = this.#pack = undefined;
    this.news.clear();
  }

  [Symbol.dispose](): void {
    this.leave();
  }

  #join(sha256: string, key?: string): Place {
    this.leave();
    this.#pack = sha256;
    return this.#place = this.#exchange.crowd(sha256).join((news) => this.news.add(news), key);
  }

  async #send(source: PackSource, pieces: readonly number[]): Promise<void> {
    const { size, sha256 } = source.pack;
    const { host, writer, signal } = this.#peer;
    const length = pieceLength(size);
    const from = pieces[0]! * length;
    const end = Math.min(size, (pieces.at(-1)! + 1) * length);
    await using file = await source.open();
    using idle = idleDeadline(this.#patienceMs, "a peer to read", signal);
    const line = encodeLine({ version: 1, bytes: end - from, piece: pieces[0]! });
    await abortable(writer.write(line), idle.signal);
    for (let at = from; at < end;) {
      const buffer = new Uint8Array(Math.min(CHUNK, end - at));
      const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
      if (bytesRead === 0) throw new GtrError("disk", `pack ${sha256} is shorter than it was`);
      const wait = this.#limiter.take(bytesRead);
      if (wait > 0) await sleep(wait, idle.signal);
      await abortable(writer.write(buffer.subarray(0, bytesRead)), idle.signal);
      this.#exchange.turns.sent(host, bytesRead);
      idle.touch();
      at += bytesRead;
    }
  }
}
