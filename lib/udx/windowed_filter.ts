/**
 * The best of the values seen within a window, in constant space: the three best candidates are
 * kept, each from a later part of the window (Kathleen Nichols' algorithm, as in Linux' win_minmax).
 *
 * @module
 */

interface Sample {
  at: number;
  value: number;
}

/** A windowed minimum or maximum. Times may be of any unit, and must not go back. */
export class WindowedFilter {
  readonly #window: number;
  readonly #better: (a: number, b: number) => boolean;
  #best: [Sample, Sample, Sample];

  /**
   * @param window how long a value counts, in the unit of the times
   * @param kind which value is the best one
   */
  constructor(window: number, kind: "min" | "max") {
    this.#window = window;
    this.#better = kind === "min" ? (a, b) => a <= b : (a, b) => a >= b;
    const none = { at: -Infinity, value: kind === "min" ? Infinity : 0 };
    this.#best = [{ ...none }, { ...none }, { ...none }];
  }

  /** The best value of the window; without any: Infinity (min) or 0 (max). */
  get value(): number {
    return this.#best[0].value;
  }

  /** Adds a value; returns the best one. */
  add(at: number, value: number): number {
    const sample = { at, value };
    const [first, second, third] = this.#best;
    if (this.#better(value, first.value) || at - third.at > this.#window) {
      this.#best = [sample, sample, sample];
    } else if (this.#better(value, second.value)) {
      this.#best = [first, sample, sample];
    } else if (this.#better(value, third.value)) {
      this.#best = [first, second, sample];
    }
    this.#age(sample);
    return this.value;
  }

  /** Drops candidates that left the window, and sees to it that they come from different times. */
  #age(sample: Sample): void {
    const [first, second, third] = this.#best;
    const elapsed = sample.at - first.at;
    if (elapsed > this.#window) {
      this.#best = [second, third, sample];
      if (sample.at - second.at > this.#window) this.#best = [third, sample, sample];
    } else if (second.at === first.at && elapsed > this.#window / 4) {
      this.#best = [first, sample, sample];
    } else if (third.at === second.at && elapsed > this.#window / 2) {
      this.#best = [first, second, sample];
    }
  }
}
