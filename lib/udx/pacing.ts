/**
 * Pacing: packets leave at the rate that congestion control allows, instead of in one burst per
 * acknowledgement, which would overflow the queues of the path.
 *
 * @module
 */

/** How much of the past a late timer may make up for, ms: an event loop can be this busy. */
const CATCH_UP = 10;
/** Bytes that may always leave at once (ten packets, as an initial window), and that ever may. */
const MIN_BURST = 15_000;
const MAX_BURST = 131_072;

/** A bucket of bytes that fills at a rate. Times in ms, rates in bytes per ms. */
export class Pacer {
  #rate: number;
  #available: number;
  #filled: number;

  constructor(rate: number, now: number) {
    this.#rate = rate;
    this.#filled = now;
    this.#available = MIN_BURST;
  }

  /** Bytes per ms. */
  get rate(): number {
    return this.#rate;
  }

  /** Changes the rate from now on. */
  setRate(rate: number, now: number): void {
    this.#fill(now);
    this.#rate = rate;
  }

  /** Whether a packet may leave now. It may overdraw the bucket: the next one waits longer. */
  ready(now: number): boolean {
    if (this.#available > 0) return true;
    this.#fill(now);
    return this.#available > 0;
  }

  /** Takes the bytes of a packet that leaves. */
  spend(bytes: number): void {
    this.#available -= bytes;
  }

  /** When a packet may leave next. */
  readyAt(): number {
    return this.#available > 0 ? this.#filled : this.#filled + (1 - this.#available) / this.#rate;
  }

  #fill(now: number): void {
    const gained = (now - this.#filled) * this.#rate;
    this.#available = Math.min(
      this.#available + gained,
      Math.min(MAX_BURST, Math.max(MIN_BURST, this.#rate * CATCH_UP)),
    );
    this.#filled = now;
  }
}
