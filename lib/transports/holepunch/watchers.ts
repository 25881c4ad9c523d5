/**
 * Peers that wait for news of repositories.
 *
 * @module
 */

/** Tells each peer that waits for a repository the sequence number of each new publication. */
export class Watchers {
  readonly #most: number;
  /** "<id>/<name>" -> what tells one peer. */
  readonly #watchers = new Map<string, Set<(sequence: number) => void>>();
  #count = 0;

  /** @param most peers at once */
  constructor(most: number) {
    this.#most = most;
  }

  /** @returns what ends it; undefined where there is no room */
  add(
    { id, name }: { readonly id: string; readonly name: string },
    tell: (sequence: number) => void,
  ): Disposable | undefined {
    if (this.#count >= this.#most) return undefined;
    this.#count++;
    const key = `${id}/${name}`;
    const watchers = this.#watchers.get(key) ?? new Set();
    this.#watchers.set(key, watchers.add(tell));
    return {
      [Symbol.dispose]: () => {
        if (watchers.delete(tell)) this.#count--;
        if (watchers.size === 0) this.#watchers.delete(key);
      },
    };
  }

  /** @param repository "<id>/<name>" */
  tell(repository: string, sequence: number): void {
    this.#watchers.get(repository)?.forEach((tell) => tell(sequence));
  }

  /** How many wait for it. */
  of(repository: string): number {
    return this.#watchers.get(repository)?.size ?? 0;
  }
}
