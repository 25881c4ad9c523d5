/**
 * Info dictionaries of single-file torrents (BEP 3), as far as this engine serves them.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { VerificationError } from "../../../common/errors.ts";
import { type Bencoded, BencodeError, decodeBencode } from "../bencode.ts";

/** Smallest and largest piece length accepted, in bytes. */
export const MIN_PIECE_LENGTH = 16 * 1024;
export const MAX_PIECE_LENGTH = 16 * 1024 * 1024;

/** A validated info dictionary. */
export interface Metainfo {
  readonly name: string;
  /** Bytes of the file, at least 1. */
  readonly length: number;
  /** A power of two from 16 KiB to 16 MiB. */
  readonly pieceLength: number;
  /** Number of pieces. */
  readonly pieces: number;
  /** The SHA-1 of each piece, 20 bytes each. */
  readonly hashes: Uint8Array;
  /** The dictionary as it was hashed. */
  readonly bytes: Uint8Array;
}

/** The infohash: SHA-1 of the info dictionary, lower-case hex. */
export function infohashOf(info: Uint8Array): string {
  return createHash("sha1").update(info).digest("hex");
}

/** How large the info dictionary of a file of `length` bytes can be with any sane piece length. */
export function maxInfoBytes(length: number): number {
  return 1024 + 20 * Math.ceil(length / MIN_PIECE_LENGTH);
}

/** Bytes of one piece: the last one may be shorter. */
export function pieceSize(info: Metainfo, piece: number): number {
  return Math.min(info.pieceLength, info.length - piece * info.pieceLength);
}

/**
 * Parses and checks an info dictionary whose hash the caller has checked.
 *
 * @param maxLength the longest file accepted, in bytes
 * @throws {VerificationError} "bad-metainfo"
 */
export function parseInfo(bytes: Uint8Array, maxLength: number): Metainfo {
  const info = decodeInfo(bytes);
  if (info.has("files") || info.has("file tree")) throw bad("it is not a single file");
  const length = info.get("length");
  if (typeof length !== "number" || length < 1) throw bad("it has no length");
  if (length > maxLength) throw bad(`${length} bytes are more than the ${maxLength} expected`);
  const pieceLength = info.get("piece length");
  if (typeof pieceLength !== "number" || !isPieceLength(pieceLength)) {
    throw bad("its piece length is not a power of two from 16 KiB to 16 MiB");
  }
  const hashes = info.get("pieces");
  const pieces = Math.ceil(length / pieceLength);
  if (!(hashes instanceof Uint8Array) || hashes.length !== 20 * pieces) {
    throw bad("it has another number of pieces than its length needs");
  }
  return { name: fileName(info.get("name")), length, pieceLength, pieces, hashes, bytes };
}

function decodeInfo(bytes: Uint8Array): Map<string, Bencoded> {
  try {
    const { value, end } = decodeBencode(bytes);
    if (value instanceof Map && end === bytes.length) return value;
  } catch (error) {
    if (!(error instanceof BencodeError)) throw error;
  }
  throw bad("it is not a bencoded dictionary");
}

function isPieceLength(n: number): boolean {
  return n >= MIN_PIECE_LENGTH && n <= MAX_PIECE_LENGTH && (n & (n - 1)) === 0;
}

function fileName(name: Bencoded | undefined): string {
  if (name instanceof Uint8Array && name.length > 0 && name.length <= 255) {
    try {
      return new TextDecoder("utf-8", { fatal: true }).decode(name);
    } catch {
      // falls through to the error below
    }
  }
  throw bad("it has no file name");
}

function bad(why: string): VerificationError {
  return new VerificationError("bad-metainfo", `can't use the torrent's info dictionary: ${why}`);
}
