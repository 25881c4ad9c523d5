/**
 * A token bucket. Pure: the clock is the caller's.
 *
 * @module
 */

/** Grants bytes at a rate; an idle second's worth may go out at once. */
export class RateLimiter {
  readonly #rate: number;
  readonly #burst: number;
  readonly #now: () => number;
  #tokens: number;
  #at: number;

  /**
   * @param rate bytes per second; 0 for no limit
   * @param now milliseconds of a clock that never goes back
   */
  constructor(rate: number, now: () => number = () => performance.now()) {
    this.#rate = rate;
    this.#burst = rate;
    this.#tokens = rate;
    this.#now = now;
    this.#at = now();
  }

  /**
   * Takes `bytes` and says how many milliseconds to wait before sending them. Who asks first waits
   * less, so callers are served in turn.
   */
  take(bytes: number): number {
    if (this.#rate === 0) return 0;
    this.#refill();
    this.#tokens -= bytes;
    return this.#tokens >= 0 ? 0 : -this.#tokens / this.#rate * 1000;
  }

  /** Takes `bytes` if they may be sent at once: for what can be dropped. */
  tryTake(bytes: number): boolean {
    if (this.#rate === 0) return true;
    this.#refill();
    if (this.#tokens < bytes) return false;
    this.#tokens -= bytes;
    return true;
  }

  #refill(): void {
    const now = this.#now();
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#at) / 1000 * this.#rate);
    this.#at = now;
  }
}
