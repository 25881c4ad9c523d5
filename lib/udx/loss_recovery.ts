/**
 * What is under way, what is lost, and when to find out: RACK and tail loss probes (RFC 8985), and
 * the retransmission timeout (RFC 6298). Times in ms.
 *
 * @module
 */
import type { Recovery } from "./bbr.ts";
import { sackBlocks, sackEnd, sackStart } from "./packet.ts";
import { Rack } from "./rack.ts";
import { RttEstimator } from "./rtt.ts";
import { PacketList, PacketRing, type SentPacket } from "./sent_packet.ts";
import { advance, distance } from "./sequence.ts";

/** Timeouts of one packet after which nobody is there any more. */
const MAX_TIMEOUTS = 6;
/** How long the other side may hold back an acknowledgement. */
const MAX_ACK_DELAY_MS = 2;
/** Event loops are late by this much at any time; a probe sooner would be in vain. */
const MIN_PROBE_TIMEOUT_MS = 10;
/** Rounding errors of times. */
const EPSILON = 1e-6;

/** Who is told of packets. */
export interface LossObserver {
  /** A packet arrived. */
  arrived(packet: SentPacket): void;
  /** A packet is lost, and going to be sent again. */
  lost(packet: SentPacket): void;
}

/** What an acknowledgement changed. */
export interface Acknowledged {
  /** Packets that are known to have arrived now. */
  arrived: number;
  /** Bytes of the stream that arrived without a gap now. */
  bytes: number;
  /** Round-trip time of the newest of these packets, or -1. */
  rtt: number;
}

/** The packets of one stream that aren't acknowledged. */
export class LossRecovery {
  readonly flying: PacketList = new PacketList();
  readonly lost: PacketList = new PacketList();
  readonly rtt: RttEstimator = new RttEstimator();
  state: Recovery = "open";
  /** Oldest sequence number that isn't acknowledged, and the next to be sent. */
  oldest: number;
  next: number;
  /** SACK blocks that can't be. */
  badSacks = 0;
  fastRecoveries = 0;
  timeouts = 0;

  readonly #packets = new PacketRing();
  readonly #rack = new Rack();
  readonly #observer: LossObserver;
  /** Arrived, but not all before them. */
  #sacked = 0;
  /** The state is open again when this is acknowledged. */
  #recoveryEnds = 0;
  #probe: { readonly seq: number; readonly again: boolean } | undefined;
  #probeAllowed = false;
  #timeoutAt = Infinity;
  #reorderAt = Infinity;
  #probeAt = Infinity;

  constructor(seq: number, observer: LossObserver) {
    this.oldest = this.next = seq;
    this.#observer = observer;
  }

  /** Packets from the oldest one on. */
  get outstanding(): number {
    return distance(this.next, this.oldest);
  }

  /** When {@linkcode LossRecovery} has to be looked after next. */
  get deadline(): number {
    return Math.min(this.#timeoutAt, this.#reorderAt, this.#probeAt);
  }

  get probeDue(): number {
    return this.#probeAt;
  }

  get timeoutDue(): number {
    return this.#timeoutAt;
  }

  get reorderDue(): number {
    return this.#reorderAt;
  }

  /** A new packet, numbered {@linkcode next}, leaves. */
  sentNew(packet: SentPacket, now: number, probe: boolean): void {
    this.#packets.set(packet);
    this.next = advance(this.next);
    this.#fly(packet, now);
    if (probe) this.#probe = { seq: packet.seq, again: false };
    else this.#scheduleProbe(now);
  }

  /** A packet of {@linkcode lost}, or (as a probe) of {@linkcode flying}, leaves again. */
  sentAgain(packet: SentPacket, now: number, probe: boolean): void {
    (packet.state === "lost" ? this.lost : this.flying).remove(packet);
    packet.retransmitted = true;
    this.#fly(packet, now);
    if (probe) this.#probe = { seq: packet.seq, again: true };
  }

  /** Everything before `ack` arrived, and so did the blocks of `sack`, a packet of type SACK. */
  acknowledge(ack: number, sack: Uint8Array | undefined, now: number): Acknowledged {
    const result: Acknowledged = { arrived: 0, bytes: 0, rtt: -1 };
    if (this.#probe && this.#answersProbe(ack, this.#probe)) this.#probe = undefined;
    if (this.state !== "open" && distance(ack, this.#recoveryEnds) >= 0) this.state = "open";
    for (; this.oldest !== ack; this.oldest = advance(this.oldest)) {
      const packet = this.#packets.get(this.oldest)!;
      if (packet.state === "arrived") this.#sacked--;
      else this.#arrive(packet, now, result);
      result.bytes += packet.payload;
      this.#packets.delete(packet.seq);
    }
    if (sack) this.#acknowledgeBlocks(sack, now, result);
    if (this.oldest === this.next) this.#timeoutAt = this.#reorderAt = this.#probeAt = Infinity;
    else if (result.arrived > 0) {
      this.#timeoutAt = now + this.rtt.rto;
      this.#scheduleProbe(now);
    }
    return result;
  }

  /** Finds what is lost by now; returns how many packets, probes of the MTU not counted. */
  detect(now: number): number {
    const window = this.#reorderingWindow();
    let found = 0;
    let wait = 0;
    for (let p = this.flying.first, next; p && this.#rack.overtook(p); p = next) {
      next = p.next;
      const remaining = this.#rack.remaining(p, window, now);
      if (remaining > EPSILON) wait = Math.max(wait, remaining);
      else {
        if (p.padding === 0) found++;
        this.flying.remove(p);
        this.#lose(p);
      }
    }
    this.#reorderAt = wait > 0 ? now + wait : Infinity;
    if (found > 0 && this.state === "open") {
      this.fastRecoveries++;
      this.state = "recovery";
      this.#recoveryEnds = this.next;
      this.#probe = undefined;
    }
    return found;
  }

  /** Takes the probe's turn: what to probe with is the sender's to choose. False: no probe now. */
  takeProbe(now: number): boolean {
    this.#probeAt = Infinity;
    const due = this.#probeAllowed && !this.#probe && this.oldest !== this.next;
    if (due) {
      this.#probeAllowed = false;
      this.#timeoutAt = now + this.rtt.rto;
    }
    return due;
  }

  /** No acknowledgement came in time: all that is old is lost. False: it happened too often. */
  timeout(now: number): boolean {
    this.timeouts++;
    this.state = "loss";
    this.#recoveryEnds = this.next;
    this.#probe = undefined;
    this.#probeAt = this.#reorderAt = Infinity;
    this.#timeoutAt = now + 2 * this.rtt.rto;
    const window = this.#reorderingWindow();
    this.lost.clear(); // refilled in order
    for (let seq = this.oldest; seq !== this.next; seq = advance(seq)) {
      const packet = this.#packets.get(seq)!;
      if (packet.state === "arrived") continue;
      if (packet.state === "flying") {
        if (seq !== this.oldest && this.#rack.remaining(packet, window, now) > 0) continue;
        if (packet.timeouts++ >= MAX_TIMEOUTS) return false;
        this.flying.remove(packet);
      }
      this.#lose(packet);
    }
    return true;
  }

  /** Forgets everything. */
  clear(): void {
    this.flying.clear();
    this.lost.clear();
    this.#packets.clear();
    this.#timeoutAt = this.#reorderAt = this.#probeAt = Infinity;
  }

  #fly(packet: SentPacket, now: number): void {
    packet.sentAt = now;
    packet.state = "flying";
    this.flying.push(packet);
    if (this.#timeoutAt === Infinity) this.#timeoutAt = now + this.rtt.rto;
  }

  #lose(packet: SentPacket): void {
    packet.state = "lost";
    this.lost.push(packet);
    this.#observer.lost(packet);
  }

  #arrive(packet: SentPacket, now: number, result: Acknowledged): void {
    (packet.state === "lost" ? this.lost : this.flying).remove(packet);
    packet.state = "arrived";
    result.arrived++;
    const rtt = this.rtt.clamp(now - packet.sentAt);
    if (!packet.retransmitted) this.rtt.add(rtt, now);
    this.#probeAllowed = true;
    if (!packet.retransmitted || rtt >= this.rtt.minimum) result.rtt = rtt;
    this.#rack.delivered(packet, rtt, this.rtt.minimum);
    this.#observer.arrived(packet);
  }

  /**
   * Blocks come in order; so one packet costs no more than the window, however many it claims. None
   * can have the oldest packet, which the acknowledgement would count: else what nobody acknowledges
   * would be waited for without an end.
   */
  #acknowledgeBlocks(sack: Uint8Array, now: number, result: Acknowledged): void {
    let from = advance(this.oldest);
    for (let i = 0, n = sackBlocks(sack); i < n; i++) {
      const start = sackStart(sack, i);
      const end = sackEnd(sack, i);
      const length = (end - from) >>> 0; // unsigned: a claim can be any distance away
      if ((start - from) >>> 0 >= length || length > distance(this.next, from)) {
        this.badSacks++;
        continue;
      }
      for (let seq = start; seq !== end; seq = advance(seq)) {
        const packet = this.#packets.get(seq)!;
        if (packet.state === "arrived") continue;
        this.#arrive(packet, now, result);
        this.#sacked++;
      }
      from = end;
    }
  }

  #reorderingWindow(): number {
    const { minimum, smoothed } = this.rtt;
    return this.#rack.reorderingWindow(this.state !== "open", this.#sacked, minimum, smoothed);
  }

  #answersProbe(ack: number, probe: { seq: number; again: boolean }): boolean {
    const beyond = distance(ack, probe.seq);
    return probe.again ? beyond > 0 : beyond >= 0;
  }

  /**
   * Unlike RFC 8985, also while losses are made up for: a retransmission may be lost too, and with
   * a timeout of a second at least, waiting for that is dear.
   */
  #scheduleProbe(now: number): void {
    if (this.state === "loss") {
      this.#probeAt = Infinity;
      return;
    }
    const { smoothed } = this.rtt;
    const delay = this.outstanding === 1 ? MAX_ACK_DELAY_MS : 0;
    const wait = smoothed === 0 ? 1000 : Math.max(2 * smoothed + delay, MIN_PROBE_TIMEOUT_MS);
    this.#probeAt = Math.min(now + wait, this.#timeoutAt);
  }
}
