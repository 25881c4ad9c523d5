/**
 * Memory for packets, many at a time: one allocation for each would cost more than sending them.
 *
 * @module
 */
const SIZE = 65_536;

/** Hands out pieces of larger buffers, which are freed when all their pieces are forgotten. */
export class Slab {
  #buffer = new Uint8Array(0);
  #used = 0;

  /** A piece of `length` bytes, at most 64 KiB, that nobody else has. Its content is arbitrary. */
  take(length: number): Uint8Array {
    if (this.#used + length > this.#buffer.length) {
      this.#buffer = new Uint8Array(SIZE);
      this.#used = 0;
    }
    const piece = this.#buffer.subarray(this.#used, this.#used + length);
    this.#used += length;
    return piece;
  }
}
