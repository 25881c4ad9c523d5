/**
 * How many blocks to ask one peer for ahead of time. Pure.
 *
 * @module
 */

const MIN_DEPTH = 4;
const START_DEPTH = 16;
/** A block that takes so much longer than the way there and back waited behind others. */
const QUEUE_MS = 500;

/**
 * Grows by one with each block that comes quickly, shrinks with each that comes late: a fast peer
 * is never idle, a slow one never sits on blocks that others could send. What is asked for early is
 * chosen early, too: the longer a queue, the less the choice knows of what others have by now.
 */
export class Pipeline {
  readonly #max: number;
  #depth: number;
  /** Milliseconds of the quickest block: the way there and back. */
  #quickest = Infinity;

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
    this.#quickest = Math.min(this.#quickest, waited);
    const isSlow = waited > this.#quickest + QUEUE_MS;
    const depth = isSlow ? Math.max(MIN_DEPTH, this.#depth - 1) : this.#depth + 1;
    this.#depth = Math.min(this.#max, depth);
  }
}
