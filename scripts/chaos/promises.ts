/**
 * What was acknowledged, and what may have come of what wasn't.
 *
 * @module
 */

/** A ref's object id; undefined where there is no such ref. */
export type Value = string | undefined;

interface Promised {
  acknowledged: Value;
  /** What was begun since, and may or may not have been done. */
  readonly begun: Value[];
}

/** For each ref what a reader may see. */
export class Promises {
  readonly #refs = new Map<string, Promised>();
  /** How many times something was acknowledged. */
  count = 0;

  /** Something is about to be asked for. */
  begin(ref: string, value: Value): void {
    const known = this.#refs.get(ref);
    if (known) known.begun.push(value);
    else this.#refs.set(ref, { acknowledged: undefined, begun: [value] });
  }

  /** It was promised. */
  acknowledge(ref: string, value: Value): void {
    this.#refs.set(ref, { acknowledged: value, begun: [] });
    this.count++;
  }

  /** The newest value of a ref as far as is known. */
  value(ref: string): Value {
    return this.#refs.get(ref)?.acknowledged;
  }

  /** Those that exist for sure. */
  names(): string[] {
    return [...this.#refs.keys()].filter((ref) => this.value(ref) !== undefined);
  }

  /** In what a reader sees, each ref that is neither what was acknowledged nor what was begun since. */
  broken(seen: ReadonlyMap<string, string>): string[] {
    const all = new Set([...this.#refs.keys(), ...seen.keys()]);
    return [...all].filter((ref) => {
      const { acknowledged, begun } = this.#refs.get(ref) ?? { acknowledged: undefined, begun: [] };
      return ![acknowledged, ...begun].includes(seen.get(ref));
    }).map((ref) => `${ref} is ${seen.get(ref)}, not ${this.value(ref)}`);
  }

  /** Others have seen this: it holds from now on. */
  settle(seen: ReadonlyMap<string, string>): void {
    for (const ref of new Set([...this.#refs.keys(), ...seen.keys()])) {
      this.#refs.set(ref, { acknowledged: seen.get(ref), begun: [] });
    }
  }
}
