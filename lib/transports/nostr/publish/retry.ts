/**
 * Trying again, less and less often.
 *
 * @module
 */

/** The longest pause, in milliseconds. */
const MAX_PAUSE_MS = 600_000;

/** Calls `work` some time after it was asked to; each further time after twice as long a pause. */
export class Retry implements Disposable {
  #timer: ReturnType<typeof setTimeout> | undefined;
  #pause: number;
  #ended = false;

  /** @param first milliseconds of the first pause */
  constructor(readonly first: number, readonly work: () => Promise<void>) {
    this.#pause = first;
  }

  /** Has `work` called after the pause, unless it will be anyway. It has to keep its errors. */
  later(): void {
    if (this.#timer !== undefined || this.#ended) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#pause = Math.min(2 * this.#pause, MAX_PAUSE_MS);
      void this.work();
    }, this.#pause);
    Deno.unrefTimer(this.#timer as unknown as number);
  }

  /** The next pause is as short as the first: something has worked. */
  reset(): void {
    this.#pause = this.first;
  }

  [Symbol.dispose](): void {
    this.#ended = true;
    clearTimeout(this.#timer);
  }
}
