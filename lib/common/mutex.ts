/**
 * One at a time, in order of arrival, within this process.
 *
 * @module
 */
import { abortable } from "./wait.ts";

/** Serialises asynchronous work per key. */
export class Mutex {
  readonly #tails = new Map<string, Promise<void>>();

  /**
   * Runs `work` when all earlier work of the same key has settled.
   *
   * @param signal gives up waiting for that; `work` is then never called
   * @throws what `work` throws, or the signal's reason
   */
  run<T>(key: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const before = this.#tails.get(key) ?? Promise.resolve();
    const mine = (signal ? abortable(before, signal) : before).then(work);
    // Whoever comes next waits for the earlier work even where this caller has given up.
    const tail = Promise.allSettled([before, mine]).then(() => {
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
    });
    this.#tails.set(key, tail);
    return mine;
  }
}
