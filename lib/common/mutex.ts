/**
 * One at a time, in order of arrival, within this process.
 *
 * @module
 */

/** Serialises asynchronous work per key. */
export class Mutex {
  readonly #tails = new Map<string, Promise<void>>();

  /** Runs `work` when all earlier work of the same key has settled. */
  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key) ?? Promise.resolve();
    const mine = before.then(work);
    const tail = mine.then(() => {}, () => {});
    this.#tails.set(key, tail);
    try {
      return await mine;
    } finally {
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
    }
  }
}
