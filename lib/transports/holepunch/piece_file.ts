/**
 * The file of a pack that is being fetched, and which pieces are there.
 *
 * @module
 */
import { createHash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { VerificationError } from "../../common/errors.ts";
import { pieceLength } from "../../manifest/pack_torrent.ts";
import type { PackRef } from "../../manifest/types.ts";

const SHA1_BYTES = 20;

/** Pieces of a file. Their hashes are the pack's. */
export class PieceFile {
  readonly pack: PackRef;
  readonly #file: FileHandle;
  /** SHA-1 of each piece, 20 bytes each. */
  readonly hashes: Uint8Array;
  /** Bytes of a piece, but for the last. */
  readonly length: number;
  /** Pieces. */
  readonly count: number;
  readonly #there = new Set<number>();
  #first = 0;
  #done = 0;

  constructor(file: FileHandle, pack: PackRef, hashes: Uint8Array) {
    this.pack = pack;
    this.#file = file;
    this.hashes = hashes;
    this.length = pieceLength(pack.size);
    this.count = hashes.length / SHA1_BYTES;
  }

  /** Looks which pieces are in the file already. */
  async check(signal: AbortSignal): Promise<void> {
    const { size } = await this.#file.stat();
    if (size > this.pack.size) await this.#file.truncate(this.pack.size);
    const buffer = new Uint8Array(this.length);
    for (let i = 0; i < this.count; i++) {
      signal.throwIfAborted();
      const piece = buffer.subarray(0, this.lengthOf(i));
      if (size >= this.start(i + 1) && await this.#read(piece, this.start(i))) {
        if (this.#isRight(i, piece)) this.#have(i);
      }
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
    return this.#there.size === this.count;
  }

  has(index: number): boolean {
    return this.#there.has(index);
  }

  /** Where a piece begins; after the last: the file's end. */
  start(index: number): number {
    return Math.min(index * this.length, this.pack.size);
  }

  lengthOf(index: number): number {
    return this.start(index + 1) - this.start(index);
  }

  /**
   * @returns whether it is new
   * @throws {VerificationError} "wrong-piece"
   */
  async write(index: number, piece: Uint8Array): Promise<boolean> {
    if (this.#there.has(index)) return false; // another was faster
    if (!this.#isRight(index, piece)) {
      throw new VerificationError("wrong-piece", "what a peer sends is not the pack");
    }
    const at = this.start(index);
    for (let from = 0; from < piece.length;) {
      const { bytesWritten } = await this.#file.write(piece, from, piece.length - from, at + from);
      from += bytesWritten;
    }
    return this.#have(index);
  }

  #have(index: number): boolean {
    if (this.#there.has(index)) return false;
    this.#there.add(index);
    this.#done += this.lengthOf(index);
    while (this.#there.has(this.#first)) this.#first++;
    return true;
  }

  #isRight(index: number, piece: Uint8Array): boolean {
    const hash = createHash("sha1").update(piece).digest();
    return hash.equals(this.hashes.subarray(index * SHA1_BYTES, (index + 1) * SHA1_BYTES));
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
}
