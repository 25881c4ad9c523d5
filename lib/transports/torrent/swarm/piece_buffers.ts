/**
 * The pieces that are under way, in memory until they are whole.
 *
 * @module
 */
import { type Metainfo, pieceSize } from "./metainfo.ts";

/** Buffers that are used again and again: pieces are large, and there are many. */
export class PieceBuffers {
  readonly #info: Metainfo;
  readonly #isActive: (piece: number) => boolean;
  readonly #used = new Map<number, Uint8Array>();
  readonly #spare: Uint8Array[] = [];

  /** @param isActive whether a piece is still under way; others lose their buffers */
  constructor(info: Metainfo, isActive: (piece: number) => boolean) {
    this.#info = info;
    this.#isActive = isActive;
  }

  /** The buffer of a piece, of the piece's size. */
  get(piece: number): Uint8Array {
    return (this.#used.get(piece) ?? this.#take(piece)).subarray(0, pieceSize(this.#info, piece));
  }

  /** A piece is done with. */
  free(piece: number): void {
    const buffer = this.#used.get(piece);
    if (!buffer) return;
    this.#used.delete(piece);
    this.#spare.push(buffer);
  }

  #take(piece: number): Uint8Array {
    for (const other of [...this.#used.keys()]) if (!this.#isActive(other)) this.free(other);
    const size = Math.min(this.#info.pieceLength, this.#info.length);
    const buffer = this.#spare.pop() ?? new Uint8Array(size);
    this.#used.set(piece, buffer);
    return buffer;
  }
}
