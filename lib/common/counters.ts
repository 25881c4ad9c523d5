/**
 * Bad input is dropped and counted, by a short reason.
 *
 * @module
 */

/** Counts per reason; bounded, so that a hostile peer can't grow it. */
export class Counters {
  readonly #counts = new Map<string, number>();
  static readonly #MAX_REASONS = 200;

  add(reason: string): void {
    const known = this.#counts.get(reason);
    if (known === undefined && this.#counts.size >= Counters.#MAX_REASONS) return;
    this.#counts.set(reason, (known ?? 0) + 1);
  }

  toJSON(): Record<string, number> {
    return Object.fromEntries([...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}
