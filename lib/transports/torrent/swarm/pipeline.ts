/**
 * How many blocks to ask one peer for ahead of time. Pure.
 *
 * @module
 */

const MIN_DEPTH = 4;
const START_DEPTH = 16;
/** A block that takes longer than this waited behind too many others, in milliseconds. */
const SLOW = 2_000;

/**
 * Grows by one with each block that comes quickly, shrinks with each that comes late: a fast peer
 * is never idle, a slow one never sits on blocks that others could send.
 */
export class Pipeline {
  readonly #max: number;
  #depth: number;

  /** @param max the most that the peer queues: its `reqq` */
  constructor(max: number) {
    this.#max = Math.max(1, max);
    this.#depth = Math.min(START_DEPTH, this.#max);
  }

  get depth(): number {
    return this.#depth;
  }

  /** @param waited milliseconds between asking and receiving */
  blockReceived(waited: number): void {
    const depth = waited > SLOW ? Math.max(MIN_DEPTH, this.#depth - 1) : this.#depth + 1;
    this.#depth = Math.min(this.#max, depth);
  }
}
