/**
 * What was written to a stream and is not in packets yet.
 *
 * @module
 */

/** A queue of bytes, kept as the chunks that were written. */
export class SendQueue {
  #chunks: Uint8Array[] = [];
  /** Index of the first chunk that is left, and how much of it is gone. */
  #head = 0;
  #offset = 0;
  #bytes = 0;

  /** Bytes in the queue. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Adds a chunk; it must not change until it was taken. */
  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
  }

  /** Moves up to `length` bytes to `target`, from its index `at` on; returns how many. */
  take(target: Uint8Array, at: number, length: number): number {
    let left = Math.min(length, this.#bytes);
    const taken = left;
    while (left > 0) {
      const chunk = this.#chunks[this.#head]!;
      const n = Math.min(left, chunk.length - this.#offset);
      target.set(chunk.subarray(this.#offset, this.#offset + n), at);
      at += n;
      left -= n;
      this.#offset += n;
      if (this.#offset === chunk.length) this.#drop();
    }
    this.#bytes -= taken;
    return taken;
  }

  /** Forgets everything. */
  clear(): void {
    this.#chunks = [];
    this.#head = this.#offset = this.#bytes = 0;
  }

  #drop(): void {
    this.#chunks[this.#head++] = EMPTY; // lets go of it at once
    this.#offset = 0;
    if (this.#head === this.#chunks.length) {
      this.#chunks.length = 0;
      this.#head = 0;
    } else if (this.#head >= 1024) {
      this.#chunks.splice(0, this.#head); // moving the rest up is cheap this seldom
      this.#head = 0;
    }
  }
}

const EMPTY = new Uint8Array(0);
