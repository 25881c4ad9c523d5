/**
 * Sets of pieces on the wire: one bit each, the first piece's is the highest of the first byte (BEP 3).
 *
 * @module
 */
import { pieceLength } from "../../../manifest/pack_torrent.ts";

/** Pieces of a pack of `size` bytes. */
export function pieceCount(size: number): number {
  return Math.ceil(size / pieceLength(size));
}

/** The pieces of one request lie so close together that their bits fit into a line. */
export const WINDOW = 256;

/** The bits of `count` pieces from `first` on. */
export function bitsOf(has: (piece: number) => boolean, first: number, count: number): Uint8Array {
  const bits = new Uint8Array(Math.ceil(count / 8));
  for (let i = 0; i < count; i++) if (has(first + i)) bits[i >> 3]! |= 0x80 >> (i & 7);
  return bits;
}

/** The pieces whose bits are set, in ascending order. */
export function piecesOf(bits: Uint8Array, first = 0): number[] {
  const pieces: number[] = [];
  for (let i = 0; i < bits.length * 8; i++) {
    if (bits[i >> 3]! & 0x80 >> (i & 7)) pieces.push(first + i);
  }
  return pieces;
}

/** The members of a request that stand for pieces; in ascending order, no more than a window. */
export function encodePieces(pieces: readonly number[]): { first: number; of: string } {
  const [first = 0] = pieces;
  const wanted = new Set(pieces);
  const count = Math.min(WINDOW, (pieces.at(-1) ?? first) - first + 1);
  return { first, of: bitsOf((piece) => wanted.has(piece), first, count).toHex() };
}
