/**
 * Hands received data over in few large pieces: what comes with one batch of packets goes together,
 * without an allocation for each packet.
 *
 * @module
 */
import { Buffer } from "node:buffer";

/** Memory is taken in pieces, the larger the more comes. */
const MIN_SIZE = 4096;
const MAX_SIZE = 65_536;

/** Where the data goes. */
export interface Target {
  push(data: Uint8Array | null): boolean;
}

/** Collects data until it is flushed. */
export class StreamOutput {
  readonly #target: Target;
  #buffer = Buffer.alloc(0);
  #start = 0;
  #end = 0;

  constructor(target: Target) {
    this.#target = target;
  }

  /** Bytes collected. */
  get pending(): number {
    return this.#end - this.#start;
  }

  /** Copies a piece of data. */
  add(payload: Uint8Array): void {
    if (this.#end + payload.length > this.#buffer.length) {
      this.flush();
      const size = Math.min(Math.max(2 * this.#buffer.length, MIN_SIZE), MAX_SIZE);
      this.#buffer = Buffer.allocUnsafeSlow(Math.max(size, payload.length));
      this.#start = this.#end = 0;
    }
    this.#buffer.set(payload, this.#end);
    this.#end += payload.length;
  }

  /** Hands over what was collected. */
  flush(): void {
    if (this.#end === this.#start) return;
    const piece = this.#buffer.subarray(this.#start, this.#end);
    this.#start = this.#end; // first: who gets it may come back here
    this.#target.push(piece);
  }

  /** Hands over what was collected, and says that it was all. */
  end(): void {
    this.flush();
    this.#target.push(null);
  }
}
