/**
 * The array of headers that recvmmsg(2) and sendmmsg(2) take, with the memory that it points to.
 *
 * @module
 */
import { addressOf } from "./libc.ts";

/** Datagrams in one call. */
export const BATCH = 64;
/** Bytes of a datagram; longer ones are rare enough to be sent singly, and not taken. */
export const SLOT = 2048;

const HEADER = 64; // struct mmsghdr on 64-bit Linux
const NAME = 28; // struct sockaddr_in6
const NAME_LENGTH = 8;
const FLAGS = 48;
const LENGTH = 56;
const TRUNCATED = 0x20;

/** Room for 64 datagrams and their addresses. */
export class MessageVector {
  /** What the calls take. */
  readonly headers = new Uint8Array(BATCH * HEADER);
  readonly #data = new Uint8Array(BATCH * SLOT);
  readonly #names = new Uint8Array(BATCH * NAME);
  readonly #vectors = new BigUint64Array(BATCH * 2);
  readonly #view = new DataView(this.headers.buffer);

  constructor() {
    const data = addressOf(this.#data);
    const names = addressOf(this.#names);
    const vectors = addressOf(new Uint8Array(this.#vectors.buffer));
    for (let i = 0; i < BATCH; i++) {
      this.#vectors[2 * i] = data + BigInt(i * SLOT);
      this.#vectors[2 * i + 1] = BigInt(SLOT);
      const at = i * HEADER;
      this.#view.setBigUint64(at, names + BigInt(i * NAME), true);
      this.#view.setBigUint64(at + 16, vectors + BigInt(i * 16), true);
      this.#view.setBigUint64(at + 24, 1n, true);
    }
  }

  /** Makes it ready to receive. */
  expect(): void {
    for (let i = 0; i < BATCH; i++) this.#view.setUint32(i * HEADER + NAME_LENGTH, NAME, true);
  }

  /** The datagram `i` that was received, or undefined where it was too long. */
  datagram(i: number): Uint8Array | undefined {
    if (this.#view.getUint32(i * HEADER + FLAGS, true) & TRUNCATED) return undefined;
    const length = this.#view.getUint32(i * HEADER + LENGTH, true);
    return this.#data.subarray(i * SLOT, i * SLOT + length);
  }

  /** The address (struct sockaddr) that the datagram `i` came from. */
  name(i: number): Uint8Array {
    return this.#names.subarray(i * NAME, (i + 1) * NAME);
  }

  /** Makes `bytes`, at most {@linkcode SLOT}, the datagram `i` to send, to an address. */
  set(i: number, bytes: Uint8Array, name: Uint8Array): void {
    this.#data.set(bytes, i * SLOT);
    this.#names.set(name, i * NAME);
    this.#vectors[2 * i + 1] = BigInt(bytes.length);
    this.#view.setUint32(i * HEADER + NAME_LENGTH, name.length, true);
  }

  /** The headers from `i` on. */
  from(i: number): Uint8Array<ArrayBuffer> {
    return i === 0 ? this.headers : this.headers.subarray(i * HEADER);
  }
}
