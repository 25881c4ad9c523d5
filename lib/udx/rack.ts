/**
 * Which packets are lost: those sent some time before one that has arrived (RACK, RFC 8985).
 *
 * @module
 */
import type { SentPacket } from "./sent_packet.ts";
import { distance } from "./sequence.ts";

/** Packets received out of order that prove a loss, where paths don't reorder. */
const DUPLICATE_THRESHOLD = 3;

/** What the time-based detection of losses remembers. Times in ms. */
export class Rack {
  /** When the newest packet that arrived was sent, its sequence number, and how long it took. */
  #sentAt = -Infinity;
  #seq = 0;
  #rtt = 0;
  /** The highest sequence number that arrived; undefined before the first. */
  #highest: number | undefined;
  #reordering = false;

  /** A packet arrived; `rtt` is the time since it was last sent, `minimum` the path's least one. */
  delivered(packet: SentPacket, rtt: number, minimum: number): void {
    // An answer sooner than the path allows is one to the packet's first copy.
    if (!packet.retransmitted || rtt >= minimum) {
      this.#rtt = rtt;
      if (sentAfter(packet.sentAt, packet.seq, this.#sentAt, this.#seq)) {
        this.#sentAt = packet.sentAt;
        this.#seq = packet.seq;
      }
    }
    if (this.#highest === undefined || distance(packet.seq, this.#highest) > 0) {
      this.#highest = packet.seq;
    } else if (!packet.retransmitted) {
      this.#reordering = true;
    }
  }

  /** Whether the newest packet that arrived was sent later than this one. */
  overtook(packet: SentPacket): boolean {
    return sentAfter(this.#sentAt, this.#seq, packet.sentAt, packet.seq);
  }

  /** Ms until this packet, which was overtaken, is lost; 0 or less: it is. */
  remaining(packet: SentPacket, reordering: number, now: number): number {
    return packet.sentAt + this.#rtt + reordering - now;
  }

  /**
   * How long a packet may be late, ms.
   *
   * @param sacked packets that arrived before others that were sent earlier
   */
  reorderingWindow(recovering: boolean, sacked: number, minimum: number, smoothed: number): number {
    if (!this.#reordering && (recovering || sacked >= DUPLICATE_THRESHOLD)) return 0;
    return Math.min(minimum / 4, smoothed);
  }
}

function sentAfter(at: number, seq: number, otherAt: number, otherSeq: number): boolean {
  return at > otherAt || (at === otherAt && distance(seq, otherSeq) > 0);
}
