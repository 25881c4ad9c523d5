/**
 * A timer for deadlines that move with every packet.
 *
 * @module
 */
const MAX_DELAY_MS = 0x7fffffff;

/** Calls back at a time, or sooner: being early costs less than setting a timer for every packet. */
export class DeadlineTimer {
  readonly #due: (now: number) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #at = Infinity;

  /** @param due sets the timer anew where it was called too early */
  constructor(due: (now: number) => void) {
    this.#due = due;
  }

  /** Calls back no later than at `at`, in ms of `performance.now()`. */
  set(at: number): void {
    if (at >= this.#at) return;
    clearTimeout(this.#timer);
    this.#at = at;
    const wait = Math.max(0, at - performance.now());
    this.#timer = setTimeout(() => {
      this.#at = Infinity;
      this.#due(performance.now());
    }, Math.min(wait, MAX_DELAY_MS));
  }

  /** Doesn't call back any more. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#at = Infinity;
  }
}
