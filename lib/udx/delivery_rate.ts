/**
 * How fast packets arrive (draft-cheng-iccrg-delivery-rate-estimation). Counts packets; times in ms.
 *
 * @module
 */
import type { SentPacket } from "./sent_packet.ts";

/**
 * Acknowledgements that waited for a busy event loop come as if at once, so that shorter times say
 * nothing: where round trips are shorter, the rate is measured from one such time to the next.
 */
const MIN_INTERVAL_MS = 1;

/** What one acknowledgement says about the path. */
export interface RateSample {
  /** Packets that arrived within `interval`; -1: the acknowledgement says nothing about the rate. */
  delivered: number;
  interval: number;
  /** What had been delivered when the newest of the packets that arrived was sent. */
  priorDelivered: number;
  /** Round-trip time of the newest packet that arrived; -1: unknown. */
  rtt: number;
  /** Packets that this acknowledgement says have arrived, and are lost. */
  acked: number;
  lost: number;
  /** The sender had nothing more to send: the path may be able to do more. */
  appLimited: boolean;
}

/** The newest of the packets that one acknowledgement says have arrived. */
interface Newest {
  sentAt: number;
  seq: number;
  delivered: number;
  deliveredAt: number;
  firstSentAt: number;
  appLimited: boolean;
}

/** Makes samples of the delivery rate, one for each acknowledgement. */
export class DeliveryRate {
  /** Packets that arrived, in all. */
  delivered = 0;
  /** When the last acknowledgement came that said so. */
  deliveredAt = 0;
  /** Until so many are delivered, samples are limited by what there was to send; 0: they aren't. */
  #appLimitedUntil = 1;
  #firstSentAt = 0;
  #newest: Newest | undefined;
  /** Where the current {@linkcode MIN_INTERVAL_MS} began. */
  #mark = { at: 0, delivered: 0 };

  get appLimited(): boolean {
    return this.#appLimitedUntil !== 0;
  }

  /** There is nothing more to send while `inflight` packets are under way. */
  limited(inflight: number): void {
    this.#appLimitedUntil = this.delivered + inflight || 1;
  }

  /** A packet leaves; `idle`: none was under way. */
  sent(packet: SentPacket, idle: boolean, now: number): void {
    if (idle) {
      this.#firstSentAt = this.deliveredAt = now;
      this.#mark = { at: now, delivered: this.delivered };
    }
    packet.firstSentAt = this.#firstSentAt;
    packet.deliveredAt = this.deliveredAt;
    packet.delivered = this.delivered;
    packet.appLimited = this.appLimited;
  }

  /** A packet arrived. */
  arrived(packet: SentPacket): void {
    this.delivered++;
    const newest = this.#newest;
    if (
      newest && (packet.sentAt < newest.sentAt ||
        (packet.sentAt === newest.sentAt && ((packet.seq - newest.seq) | 0) < 0))
    ) return;
    this.#newest = {
      sentAt: packet.sentAt,
      seq: packet.seq,
      delivered: packet.delivered,
      deliveredAt: packet.deliveredAt,
      firstSentAt: packet.firstSentAt,
      appLimited: packet.appLimited,
    };
  }

  /**
   * What an acknowledgement says, after {@linkcode arrived} of all its packets.
   *
   * @param rtt round-trip time of the newest packet, or -1
   * @param minimum the path's least one: shorter intervals would give too high a rate
   */
  sample(acked: number, lost: number, rtt: number, minimum: number, now: number): RateSample {
    if (this.#appLimitedUntil && this.delivered > this.#appLimitedUntil) this.#appLimitedUntil = 0;
    const sample: RateSample = {
      delivered: -1,
      interval: -1,
      priorDelivered: 0,
      rtt,
      acked,
      lost,
      appLimited: false,
    };
    if (acked > 0) this.deliveredAt = now;
    const newest = this.#newest;
    if (newest === undefined) return sample;
    this.#newest = undefined;
    this.#firstSentAt = newest.sentAt;
    const interval = Math.max(newest.sentAt - newest.firstSentAt, now - newest.deliveredAt);
    sample.priorDelivered = newest.delivered;
    sample.appLimited = newest.appLimited;
    const mark = this.#mark;
    if (now - mark.at >= MIN_INTERVAL_MS) this.#mark = { at: now, delivered: this.delivered };
    if (interval >= MIN_INTERVAL_MS && interval >= minimum) {
      sample.delivered = this.delivered - newest.delivered;
      sample.interval = interval;
    } else if (interval >= minimum && now - mark.at >= MIN_INTERVAL_MS) {
      sample.delivered = this.delivered - mark.delivered;
      sample.interval = now - mark.at;
    }
    return sample;
  }
}
