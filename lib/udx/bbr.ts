/**
 * Congestion control: BBR, version 1 (draft-cardwell-iccrg-bbr-congestion-control-00). It models the
 * path by the rate at which packets arrive and the least round-trip time, and sends at that rate; a
 * packet lost by chance doesn't slow it down. Windows in packets, rates in packets per ms, times in
 * ms.
 *
 * @module
 */
import { AckAggregation } from "./ack_aggregation.ts";
import type { RateSample } from "./delivery_rate.ts";
import { WindowedFilter } from "./windowed_filter.ts";

/** What BBR is doing. */
export type BbrState = "startup" | "drain" | "probe-bandwidth" | "probe-rtt";

const HIGH_GAIN = 2 / Math.LN2;
const WINDOW_GAIN = 2;
const CYCLE = [1.25, 0.75, 1, 1, 1, 1, 1, 1] as const;
const BANDWIDTH_ROUNDS = CYCLE.length + 2;
/** A little less than the path takes, so that its queues empty. */
const PACING_MARGIN = 0.99;
const INITIAL_WINDOW = 10;
const MIN_WINDOW = 4;
const MIN_RTT_LIFETIME_MS = 10_000;
const PROBE_RTT_MS = 200;
/** Startup ends after so many rounds without so much growth. */
const FULL_ROUNDS = 3;
const FULL_GROWTH = 1.25;
/** Shares of loss up to this are chance, as for BBR version 3: sending goes on as before. */
const LOSS_THRESHOLD = 0.02;
/** Round trips on one machine are shorter than the time an event loop takes to notice them. */
const RTT_FLOOR = 1;

/** Whether packets are being lost, as BBR has to know it. */
export type Recovery = "open" | "recovery" | "loss";

/** The sender's state at an acknowledgement. */
export interface BbrInput {
  readonly now: number;
  /** Packets in flight, after the acknowledgement. */
  readonly inflight: number;
  /** Packets delivered, in all. */
  readonly delivered: number;
  readonly recovery: Recovery;
}

/** BBR of one stream. */
export class Bbr {
  state: BbrState = "startup";
  /** Packets that may be in flight. */
  window = INITIAL_WINDOW;
  /** Packets per ms. */
  pacingRate: number;

  readonly #bandwidth = new WindowedFilter(BANDWIDTH_ROUNDS, "max");
  readonly #aggregation = new AckAggregation();
  #pacingGain = HIGH_GAIN;
  #windowGain = HIGH_GAIN;
  #rounds = 0;
  #roundStart = false;
  #roundEnds = 0;
  #minRtt = Infinity;
  #minRttAt: number;
  #fullBandwidth = 0;
  #fullCount = 0;
  #full = false;
  #cycleIndex = 0;
  #cycleStart = 0;
  #probeRttEnds = 0;
  #probeRttRoundDone = false;
  #restarting = false;
  #priorWindow = 0;
  #recovery: Recovery = "open";
  #conserving = false;
  #rttSeen = false;

  constructor(now: number) {
    this.#minRttAt = now;
    this.pacingRate = HIGH_GAIN * INITIAL_WINDOW / RTT_FLOOR;
  }

  /** The path's rate as estimated, packets per ms. */
  get bandwidth(): number {
    return this.#bandwidth.value;
  }

  /** Called for each acknowledgement that came while packets were in flight. */
  onAck(sample: RateSample, input: BbrInput): void {
    this.#updateRound(sample, input);
    this.#aggregation.update(sample, this.bandwidth, this.#roundStart, this.window, input.now);
    this.#updateCycle(sample, input);
    this.#checkFull(sample);
    this.#checkDrain(input);
    this.#updateMinRtt(sample, input);
    this.#updateGains();
    this.#setPacing(sample);
    this.#setWindow(sample, input);
  }

  /** Sending starts again after a pause for lack of data. */
  onRestart(now: number): void {
    this.#restarting = true;
    this.#aggregation.restart(now);
    if (this.state === "probe-bandwidth") this.pacingRate = this.#rate(1);
    else if (this.state === "probe-rtt") this.#maybeEndProbeRtt(now);
  }

  /** Packets are lost: remembers the window, for when they are made up for. */
  onRecovery(): void {
    this.#priorWindow = this.#recovery === "open" && this.state !== "probe-rtt"
      ? this.window
      : Math.max(this.#priorWindow, this.window);
  }

  /** The retransmission timer ran out: begins with little again. */
  onTimeout(inflight: number): void {
    this.onRecovery();
    this.#recovery = "loss";
    this.#fullBandwidth = 0;
    this.#roundStart = true;
    this.window = Math.max(inflight + 1, MIN_WINDOW);
  }

  #updateRound(sample: RateSample, { delivered }: BbrInput): void {
    this.#roundStart = false;
    if (sample.delivered < 0) return;
    if (sample.priorDelivered >= this.#roundEnds) {
      this.#roundEnds = delivered;
      this.#rounds++;
      this.#roundStart = true;
      this.#conserving = false;
    }
    const bandwidth = sample.delivered / sample.interval;
    if (!sample.appLimited || bandwidth >= this.bandwidth) {
      this.#bandwidth.add(this.#rounds, bandwidth);
    }
  }

  #updateCycle(sample: RateSample, { now, inflight }: BbrInput): void {
    if (this.state !== "probe-bandwidth") return;
    const long = now - this.#cycleStart > this.#rtt();
    const next = this.#pacingGain > 1
      ? long && (sample.lost > 0 || inflight >= this.#product(this.#pacingGain))
      : this.#pacingGain < 1
      ? long || inflight <= this.#product(1)
      : long;
    if (next) this.#nextCycle(now);
  }

  #nextCycle(now: number): void {
    this.#cycleIndex = (this.#cycleIndex + 1) % CYCLE.length;
    this.#cycleStart = now;
  }

  #checkFull(sample: RateSample): void {
    if (this.#full || !this.#roundStart || sample.appLimited) return;
    if (this.bandwidth >= this.#fullBandwidth * FULL_GROWTH) {
      this.#fullBandwidth = this.bandwidth;
      this.#fullCount = 0;
      return;
    }
    this.#full = ++this.#fullCount >= FULL_ROUNDS;
  }

  #checkDrain({ now, inflight }: BbrInput): void {
    if (this.state === "startup" && this.#full) this.state = "drain";
    if (this.state === "drain" && inflight <= this.#product(1)) this.#probeBandwidth(now);
  }

  #probeBandwidth(now: number): void {
    this.state = "probe-bandwidth";
    this.#cycleIndex = 3;
    this.#nextCycle(now);
  }

  #updateMinRtt(sample: RateSample, { now, inflight, delivered }: BbrInput): void {
    const expired = now > this.#minRttAt + MIN_RTT_LIFETIME_MS;
    if (sample.rtt >= 0 && (sample.rtt < this.#minRtt || expired)) {
      this.#minRtt = sample.rtt;
      this.#minRttAt = now;
    }
    if (expired && !this.#restarting && this.state !== "probe-rtt") {
      this.onRecovery();
      this.state = "probe-rtt";
      this.#probeRttEnds = 0;
    }
    if (this.state === "probe-rtt") {
      if (!this.#probeRttEnds && inflight <= MIN_WINDOW) {
        this.#probeRttEnds = now + PROBE_RTT_MS;
        this.#probeRttRoundDone = false;
        this.#roundEnds = delivered;
      } else if (this.#probeRttEnds) {
        if (this.#roundStart) this.#probeRttRoundDone = true;
        if (this.#probeRttRoundDone) this.#maybeEndProbeRtt(now);
      }
    }
    if (sample.delivered > 0) this.#restarting = false;
  }

  #maybeEndProbeRtt(now: number): void {
    if (!this.#probeRttEnds || now < this.#probeRttEnds) return;
    this.#minRttAt = now;
    this.window = Math.max(this.window, this.#priorWindow);
    if (this.#full) this.#probeBandwidth(now);
    else this.state = "startup";
  }

  #updateGains(): void {
    switch (this.state) {
      case "startup":
        this.#pacingGain = this.#windowGain = HIGH_GAIN;
        break;
      case "drain":
        this.#pacingGain = 1 / HIGH_GAIN;
        this.#windowGain = HIGH_GAIN;
        break;
      case "probe-bandwidth":
        this.#pacingGain = CYCLE[this.#cycleIndex]!;
        this.#windowGain = WINDOW_GAIN;
        break;
      case "probe-rtt":
        this.#pacingGain = this.#windowGain = 1;
    }
  }

  #setPacing(sample: RateSample): void {
    if (!this.#rttSeen && sample.rtt >= 0) {
      this.#rttSeen = true;
      this.pacingRate = HIGH_GAIN * this.window / Math.max(sample.rtt, RTT_FLOOR);
    }
    const rate = this.#rate(this.#pacingGain);
    if (this.#full || rate > this.pacingRate) this.pacingRate = rate;
  }

  #setWindow(sample: RateSample, input: BbrInput): void {
    if (sample.acked > 0 && !this.#recoverOrRestore(sample, input)) {
      const target = this.#product(this.#windowGain) +
        (this.#full ? this.#aggregation.allowance(this.bandwidth) : 0);
      if (this.#full) this.window = Math.min(this.window + sample.acked, target);
      else if (this.window < target || input.delivered < INITIAL_WINDOW) {
        this.window += sample.acked;
      }
      this.window = Math.max(this.window, MIN_WINDOW);
    }
    if (this.state === "probe-rtt") this.window = Math.min(this.window, MIN_WINDOW);
  }

  /** For the first round after many losses, sends no more than arrives. True: the window is set. */
  #recoverOrRestore(sample: RateSample, { inflight, delivered, recovery }: BbrInput): boolean {
    const before = this.#recovery;
    this.#recovery = recovery;
    const heavy = sample.lost > LOSS_THRESHOLD * (inflight + sample.lost);
    let window = this.window;
    if (heavy) window = Math.max(window - sample.lost, 1);
    if (heavy && recovery === "recovery" && before !== "recovery") {
      this.#conserving = true;
      this.#roundEnds = delivered;
      window = inflight + sample.acked;
    } else if (recovery === "open" && before !== "open") {
      this.#conserving = false;
      window = Math.max(window, this.#priorWindow);
    }
    this.window = this.#conserving ? Math.max(window, inflight + sample.acked) : window;
    return this.#conserving;
  }

  /** What fits into the path, times `gain`; packets. */
  #product(gain: number): number {
    if (this.#minRtt === Infinity) return INITIAL_WINDOW;
    return Math.max(this.bandwidth * this.#rtt() * gain, MIN_WINDOW);
  }

  #rtt(): number {
    return Math.max(this.#minRtt, RTT_FLOOR);
  }

  #rate(gain: number): number {
    return this.bandwidth * gain * PACING_MARGIN;
  }
}
