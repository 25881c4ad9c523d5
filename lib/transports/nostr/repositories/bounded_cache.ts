/**
 * What is remembered for a while, within bounds.
 *
 * @module
 */

/** How much is remembered. */
export interface CacheLimits {
  readonly entries: number;
  readonly bytes: number;
  /** Milliseconds. */
  readonly age: number;
}

interface Entry<T> {
  readonly value: T;
  readonly bytes: number;
  readonly at: number;
}

/** The newest values by their names. The last one is kept whatever its size. */
export class BoundedCache<T> {
  readonly #entries = new Map<string, Entry<T>>(); // oldest first
  #bytes = 0;

  /** @param now milliseconds, from any point on */
  constructor(
    readonly limits: CacheLimits,
    readonly now: () => number = () => performance.now(),
  ) {}

  /** @param within milliseconds: what is older doesn't do */
  get(name: string, within = this.limits.age): T | undefined {
    const entry = this.#entries.get(name);
    return entry && this.now() - entry.at < within ? entry.value : undefined;
  }

  /** @param bytes about how much memory it takes */
  set(name: string, value: T, bytes: number): void {
    this.delete(name);
    this.#entries.set(name, { value, bytes, at: this.now() });
    this.#bytes += bytes;
    const { limits } = this;
    for (const [old, { at }] of this.#entries) {
      const fits = this.#entries.size <= limits.entries && this.#bytes <= limits.bytes;
      if (old === name || (fits && this.now() - at < limits.age)) break;
      this.delete(old);
    }
  }

  delete(name: string): void {
    const entry = this.#entries.get(name);
    if (entry === undefined) return;
    this.#entries.delete(name);
    this.#bytes -= entry.bytes;
  }
}
