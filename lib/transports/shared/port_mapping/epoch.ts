/**
 * The clock by which a router shows that it has restarted (RFC 6886, section 3.6; RFC 6887, 8.5).
 *
 * @module
 */

/** A router's clock may be slower than ours by an eighth, and its answers up to two seconds late. */
const SLOWEST = 7 / 8;
const LATE_SECONDS = 2;

/** What one router's clock has shown. */
export class Epoch {
  #last: { readonly seconds: number; readonly at: number } | undefined;

  /** Whether the router has restarted since {@linkcode seen} was told of it. */
  isRestart(seconds: number, now = performance.now()): boolean {
    if (!this.#last) return false;
    const elapsed = (now - this.#last.at) / 1000;
    return seconds + LATE_SECONDS < this.#last.seconds + elapsed * SLOWEST;
  }

  /**
   * Takes note of what it shows now.
   *
   * @returns whether it has restarted
   */
  seen(seconds: number, now = performance.now()): boolean {
    const isRestart = this.isRestart(seconds, now);
    this.#last = { seconds, at: now };
    return isRestart;
  }
}
