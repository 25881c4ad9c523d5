/**
 * The one-file torrent (BEP 3) of a pack. Everything in it follows from the pack's bytes, so every
 * seeder derives the same infohash and all meet in one swarm.
 *
 * @module
 */
import { createHash, type Hash } from "node:crypto";
import { VerificationError } from "../common/errors.ts";
import type { PackRef } from "./types.ts";

const MIN_PIECE = 16 * 1024;
const MAX_PIECE = 4 * 1024 * 1024;
const MAX_PIECES = 256;
const SHA1_BYTES = 20;

/** The hashes of a pack. */
export interface PackHashes {
  /** SHA-256 of the file, hex. */
  readonly sha256: string;
  /** SHA-1 of the bencoded info dictionary, hex. */
  readonly infohash: string;
  /** SHA-1 of each piece, 20 bytes each, one after the other. */
  readonly pieces: Uint8Array;
}

/**
 * Bytes of a piece for a file of `size` bytes: the smallest power of two from 16 KiB to 4 MiB that
 * makes no more than 256 pieces, or 4 MiB.
 */
export function pieceLength(size: number): number {
  let length = MIN_PIECE;
  while (length < MAX_PIECE && length * MAX_PIECES < size) length *= 2;
  return length;
}

/** The file's name in its torrent. */
export function torrentName(sha256: string): string {
  return `${sha256}.pack`;
}

/** The bencoded info dictionary: `length`, `name`, `piece length`, `pieces`. */
export function packInfo(sha256: string, size: number, pieces: Uint8Array): Uint8Array {
  const name = torrentName(sha256);
  const head = new TextEncoder().encode(
    `d6:lengthi${size}e4:name${name.length}:${name}` +
      `12:piece lengthi${pieceLength(size)}e6:pieces${pieces.length}:`,
  );
  const info = new Uint8Array(head.length + pieces.length + 1);
  info.set(head);
  info.set(pieces, head.length);
  info[info.length - 1] = "e".charCodeAt(0);
  return info;
}

/** The infohash of a bencoded info dictionary, in hex. */
export function infohashOf(info: Uint8Array): string {
  return createHash("sha1").update(info).digest("hex");
}

/** A magnet link (BEP 9) that any BitTorrent client takes. */
export function magnetLink(pack: Pick<PackRef, "infohash" | "sha256" | "size">): string {
  return `magnet:?xt=urn:btih:${pack.infohash}&dn=${torrentName(pack.sha256)}&xl=${pack.size}`;
}

/** Hashes a pack in one pass over its bytes, in chunks of any length. */
export class PackHasher {
  readonly #size: number;
  readonly #pieceLength: number;
  readonly #sha256 = createHash("sha256");
  // Grows with the bytes that come, not with the size that somebody claims.
  readonly #pieces: Uint8Array[] = [];
  #piece: Hash = createHash("sha1");
  #hashed = 0;

  /** @param size bytes of the whole pack, which decide the piece length */
  constructor(size: number) {
    this.#size = size;
    this.#pieceLength = pieceLength(size);
  }

  /**
   * Takes the next bytes.
   *
   * @throws {VerificationError} "wrong-pack" where they are more than the pack's size
   */
  update(chunk: Uint8Array): void {
    if (this.#hashed + chunk.length > this.#size) throw this.#wrongSize("more");
    this.#sha256.update(chunk);
    for (let from = 0; from < chunk.length;) {
      const room = this.#pieceLength - this.#hashed % this.#pieceLength;
      const part = chunk.subarray(from, from + room);
      this.#piece.update(part);
      this.#hashed += part.length;
      from += part.length;
      if (part.length === room) this.#endPiece();
    }
  }

  /**
   * The hashes, after the last byte. Can be called once.
   *
   * @throws {VerificationError} "wrong-pack" where fewer bytes came than the pack's size
   */
  digest(): PackHashes {
    if (this.#hashed < this.#size) throw this.#wrongSize("fewer");
    if (this.#hashed % this.#pieceLength > 0) this.#endPiece();
    const pieces = new Uint8Array(this.#pieces.length * SHA1_BYTES);
    this.#pieces.forEach((hash, index) => pieces.set(hash, index * SHA1_BYTES));
    const sha256 = this.#sha256.digest("hex");
    return { sha256, infohash: infohashOf(packInfo(sha256, this.#size, pieces)), pieces };
  }

  #endPiece(): void {
    this.#pieces.push(this.#piece.digest());
    this.#piece = createHash("sha1");
  }

  #wrongSize(than: string): VerificationError {
    return new VerificationError(
      "wrong-pack",
      `can't use a pack: it has ${than} than ${this.#size} bytes`,
    );
  }
}
