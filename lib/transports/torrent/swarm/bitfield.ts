/**
 * One bit per piece, the first piece in the highest bit of the first byte (BEP 3).
 *
 * @module
 */

/** A set of piece numbers below `size`. */
export class Bitfield {
  readonly size: number;
  readonly bytes: Uint8Array;
  #count = 0;

  constructor(size: number) {
    this.size = size;
    this.bytes = new Uint8Array(Math.ceil(size / 8));
  }

  /** A copy of what a peer sent; bits behind the last piece and missing bytes don't matter. */
  static from(size: number, bytes: Uint8Array): Bitfield {
    const bits = new Bitfield(size);
    bits.bytes.set(bytes.subarray(0, bits.bytes.length));
    for (let i = size; i < bits.bytes.length * 8; i++) bits.bytes[i >> 3]! &= ~(0x80 >> (i & 7));
    for (let i = 0; i < size; i++) if (bits.has(i)) bits.#count++;
    return bits;
  }

  /** A bitfield with every bit set. */
  static full(size: number): Bitfield {
    return Bitfield.from(size, new Uint8Array(size).fill(0xff));
  }

  /** How many bits are set. */
  get count(): number {
    return this.#count;
  }

  get isFull(): boolean {
    return this.#count === this.size;
  }

  has(index: number): boolean {
    return ((this.bytes[index >> 3] ?? 0) & (0x80 >> (index & 7))) !== 0;
  }

  /** Sets a bit; false where it was set before or is out of range. */
  add(index: number): boolean {
    if (!(index >= 0 && index < this.size) || this.has(index)) return false;
    this.bytes[index >> 3]! |= 0x80 >> (index & 7);
    this.#count++;
    return true;
  }
}
