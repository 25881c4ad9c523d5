/**
 * Round-trip time and retransmission timeout (RFC 6298). All times in milliseconds.
 *
 * @module
 */
import { WindowedFilter } from "./windowed_filter.ts";

const MIN_RTO_MS = 1000;
const MAX_RTO_MS = 30_000;
const MAX_RTT_MS = 30_000;
/** Longer samples, if they are outliers too, come from a machine that slept. */
const SUSPICIOUS_MS = 5000;
const MIN_RTT_WINDOW_MS = 300_000;

/** Smoothed round-trip time of one path. */
export class RttEstimator {
  /** Smoothed; 0 before the first sample. */
  smoothed = 0;
  /** Mean deviation. */
  variation = 0;
  /** How long an acknowledgement is waited for before everything is considered lost. */
  rto = MIN_RTO_MS;
  readonly #minimum = new WindowedFilter(MIN_RTT_WINDOW_MS, "min");

  /** The least of the last five minutes; Infinity before the first sample. */
  get minimum(): number {
    return this.#minimum.value;
  }

  /** A sample as it counts: those from a time when the machine slept would make the RTO useless. */
  clamp(rtt: number): number {
    if (this.smoothed === 0) return Math.min(rtt, MAX_RTT_MS);
    const outlier = this.smoothed + 5 * this.variation;
    return rtt > outlier && rtt > SUSPICIOUS_MS ? Math.min(outlier, MAX_RTT_MS) : rtt;
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
    this.rto = Math.min(MAX_RTO_MS, Math.max(MIN_RTO_MS, this.smoothed + 4 * this.variation));
  }
}
