/**
 * Acknowledgements come in bunches: receivers, links and event loops collect them. How much more
 * than the rate accounts for came at once is added to BBR's window, so that sending goes on in
 * between. Counts packets; times in ms.
 *
 * @module
 */
import type { RateSample } from "./delivery_rate.ts";

const WINDOW_ROUNDS = 5;
/** The allowance is never more than the path delivers in this time. */
const MAX_TIME = 100;

/** The most that came at once within the last five to ten rounds. */
export class AckAggregation {
  #start = 0;
  #acked = 0;
  #extra: [number, number] = [0, 0];
  #index: 0 | 1 = 0;
  #rounds = 0;

  /** Begins to count anew. */
  restart(now: number): void {
    this.#start = now;
    this.#acked = 0;
  }

  /** Counts an acknowledgement. */
  update(
    sample: RateSample,
    bandwidth: number,
    roundStart: boolean,
    window: number,
    now: number,
  ): void {
    if (sample.acked <= 0 || sample.delivered < 0) return;
    if (roundStart && ++this.#rounds >= WINDOW_ROUNDS) {
      this.#rounds = 0;
      this.#index = this.#index ? 0 : 1;
      this.#extra[this.#index] = 0;
    }
    let expected = bandwidth * (now - this.#start);
    if (this.#acked <= expected) {
      this.restart(now);
      expected = 0;
    }
    this.#acked += sample.acked;
    const extra = Math.min(this.#acked - expected, window);
    this.#extra[this.#index] = Math.max(this.#extra[this.#index], extra);
  }

  /** Packets to add to the window. */
  allowance(bandwidth: number): number {
    return Math.min(Math.max(...this.#extra), bandwidth * MAX_TIME);
  }
}
