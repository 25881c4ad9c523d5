/**
 * How often peers tell each other of further peers (BEP 11). Pure: the clock is the caller's.
 *
 * @module
 */

/** BEP 11 allows one message a minute; timers are not exact. */
const MINUTE_MS = 65_000;
/** Other clients get their first message when more than one peer may have come. */
const FIRST_MS = 1_000;
/** gtr takes some more in the first minute, which may be all that a transfer takes. */
const EARLY_MS = [0, 300, 1_000, 3_000, 10_000];

/** When messages may go out on one connection. */
export class PexPace {
  #sent = 0;
  #last = -Infinity;

  /**
   * Milliseconds until a message may go out.
   *
   * @param isGtr whether the peer is known to take early messages; some clients hang up on them
   */
  wait(now: number, isGtr: boolean): number {
    if (this.#sent === 0) return isGtr ? EARLY_MS[0]! : FIRST_MS;
    const pause = isGtr ? EARLY_MS[this.#sent] ?? MINUTE_MS : MINUTE_MS;
    return Math.max(0, this.#last + pause - now);
  }

  /** A message went out. */
  sent(now: number): void {
    this.#sent++;
    this.#last = now;
  }
}

/** Bounds what one connection may bring: a few messages at once, then one in a while. */
export class PexAllowance {
  readonly #times: number[] = [];

  /** Whether a message that came at `now` is to be read. */
  take(now: number): boolean {
    while (this.#times.length > 0 && this.#times[0]! <= now - MINUTE_MS) this.#times.shift();
    if (this.#times.length > EARLY_MS.length) return false;
    this.#times.push(now);
    return true;
  }
}
