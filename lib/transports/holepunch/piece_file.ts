/**
 * A pack that is being fetched: which pieces are there, and who fetches which.
 *
 * @module
 */
import { createHash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { VerificationError } from "../../common/errors.ts";
import { abortable, sleep } from "../../common/wait.ts";
import { pieceLength } from "../../manifest/pack_torrent.ts";
import type { PackRef } from "../../manifest/types.ts";

const SHA1_BYTES = 20;
/** Bytes that one peer is asked for at a time, at least a piece. */
const SEGMENT = 1024 * 1024;
/** How long who has nothing to fetch waits for those who do. */
const HEAD_START_MS = 500;

/** Pieces of a file. Their hashes are the pack's. */
export class PieceFile {
  readonly pack: PackRef;
  readonly #file: FileHandle;
  readonly #hashes: Uint8Array;
  readonly #length: number;
  readonly #count: number;
  readonly #there = new Set<number>();
  /** Pieces that nobody fetches, in order. */
  #free: number[] = [];
  #first = 0;
  #done = 0;
  #moved = Promise.withResolvers<void>();

  constructor(file: FileHandle, pack: PackRef, hashes: Uint8Array) {
    this.pack = pack;
    this.#file = file;
    this.#hashes = hashes;
    this.#length = pieceLength(pack.size);
    this.#count = hashes.length / SHA1_BYTES;
  }

  /** Looks which pieces are in the file already. */
  async check(signal: AbortSignal): Promise<void> {
    const { size } = await this.#file.stat();
    if (size > this.pack.size) await this.#file.truncate(this.pack.size);
    const buffer = new Uint8Array(this.#length);
    for (let i = 0; i < this.#count; i++) {
      signal.throwIfAborted();
      const piece = buffer.subarray(0, this.lengthOf(i));
      if (size >= this.start(i + 1) && await this.#read(piece, this.start(i))) {
        if (this.#isRight(i, piece)) {
          this.#have(i);
          continue;
        }
      }
      this.#free.push(i);
    }
  }

  /** Bytes that are there. */
  get done(): number {
    return this.#done;
  }

  /** Bytes that are there from the start of the file on. */
  get prefix(): number {
    return this.start(this.#first);
  }

  get isWhole(): boolean {
    return this.#there.size === this.#count;
  }

  /** Where a piece begins; after the last: the file's end. */
  start(index: number): number {
    return Math.min(index * this.#length, this.pack.size);
  }

  lengthOf(index: number): number {
    return this.start(index + 1) - this.start(index);
  }

  /** Pieces in a row for one peer; undefined where others fetch what is missing. */
  takeNow(): number[] | undefined {
    const [first] = this.#free;
    if (first === undefined) return undefined;
    const row = this.#free.slice(0, this.#most);
    const end = row.findIndex((index, i) => index !== first + i);
    return this.#free.splice(0, end < 0 ? row.length : end);
  }

  /**
   * The same; waits until others have failed, and is undefined when the file is whole. Where they
   * are slow, what they fetch is fetched twice: one that drips would hold up everything.
   */
  async take(signal: AbortSignal): Promise<number[] | undefined> {
    for (;;) {
      const pieces = this.takeNow();
      if (pieces || this.isWhole) return pieces;
      const done = new AbortController();
      const late = sleep(HEAD_START_MS, AbortSignal.any([signal, done.signal])).then(() => true);
      late.catch(() => {});
      const moved = this.#moved.promise.then(() => false);
      const isLate = await abortable(Promise.race([moved, late]), signal);
      done.abort();
      if (isLate) return this.#lastMissing();
    }
  }

  /** Lets others fetch pieces that a peer didn't deliver. */
  giveBack(pieces: readonly number[]): void {
    const missing = pieces.filter((index) => !this.#there.has(index));
    this.#free = [...new Set([...this.#free, ...missing])].sort((a, b) => a - b);
    this.#move();
  }

  /** @throws {VerificationError} "wrong-piece" */
  async write(index: number, piece: Uint8Array): Promise<void> {
    if (this.#there.has(index)) return; // another was faster
    if (!this.#isRight(index, piece)) {
      throw new VerificationError("wrong-piece", "what a peer sends is not the pack");
    }
    const at = this.start(index);
    for (let from = 0; from < piece.length;) {
      const { bytesWritten } = await this.#file.write(piece, from, piece.length - from, at + from);
      from += bytesWritten;
    }
    this.#have(index);
    if (this.isWhole) this.#move();
  }

  /** Pieces that one peer is asked for at a time. */
  get #most(): number {
    return Math.max(1, Math.floor(SEGMENT / this.#length));
  }

  /** The last row of what is missing: others fetch theirs from the start on. */
  #lastMissing(): number[] {
    let end = this.#count;
    while (this.#there.has(end - 1)) end--;
    let start = end;
    while (end - start < this.#most && start > 0 && !this.#there.has(start - 1)) start--;
    return Array.from({ length: end - start }, (_, i) => start + i);
  }

  #have(index: number): void {
    if (this.#there.has(index)) return;
    this.#there.add(index);
    this.#done += this.lengthOf(index);
    while (this.#there.has(this.#first)) this.#first++;
  }

  #isRight(index: number, piece: Uint8Array): boolean {
    const hash = createHash("sha1").update(piece).digest();
    return hash.equals(this.#hashes.subarray(index * SHA1_BYTES, (index + 1) * SHA1_BYTES));
  }

  /** Fills the buffer; false where the file ends before. */
  async #read(buffer: Uint8Array, at: number): Promise<boolean> {
    for (let filled = 0; filled < buffer.length;) {
      const { bytesRead } = await this.#file.read(
        buffer,
        filled,
        buffer.length - filled,
        at + filled,
      );
      if (bytesRead === 0) return false;
      filled += bytesRead;
    }
    return true;
  }

  #move(): void {
    this.#moved.resolve();
    this.#moved = Promise.withResolvers();
  }
}
