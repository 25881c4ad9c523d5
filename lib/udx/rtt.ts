/**
 * Round-trip time and retransmission timeout (RFC 6298). All times in milliseconds.
 *
 * @module
 */
import { WindowedFilter } from "./windowed_filter.ts";

const MIN_RTO = 1000;
const MAX_RTO = 30_000;
const MAX_RTT = 30_000;
/** Longer samples, if they are outliers too, come from a machine that slept. */
const SUSPICIOUS = 5000;
const MIN_RTT_WINDOW = 300_000;

/** Smoothed round-trip time of one path. */
export class RttEstimator {
  /** Smoothed; 0 before the first sample. */
  smoothed = 0;
  /** Mean deviation. */
  variation = 0;
  /** How long an acknowledgement is waited for before everything is considered lost. */
  rto = MIN_RTO;
  readonly #minimum = new WindowedFilter(MIN_RTT_WINDOW, "min");

  /** The least of the last five minutes; Infinity before the first sample. */
  get minimum(): number {
    return this.#minimum.value;
  }

  /** A sample as it counts: those from a time when the machine slept would make the RTO useless. */
  clamp(rtt: number): number {
    if (this.smoothed === 0) return Math.min(rtt, MAX_RTT);
    const outlier = this.smoothed + 5 * this.variation;
    return rtt > outlier && rtt > SUSPICIOUS ? Math.min(outlier, MAX_RTT) : rtt;
  }

  /** Adds a (clamped) sample, of a packet that was sent only once. */
  add(rtt: number, now: number): void {
    this.#minimum.add(now, rtt);
    if (this.smoothed === 0) {
      this.smoothed = rtt;
      this.variation = rtt / 2;
    } else {
      this.variation += (Math.abs(rtt - this.smoothed) - this.variation) / 4;
      this.smoothed += (rtt - this.smoothed) / 8;
    }
    this.rto = Math.min(MAX_RTO, Math.max(MIN_RTO, this.smoothed + 4 * this.variation));
  }
}
