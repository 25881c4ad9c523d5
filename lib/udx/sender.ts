/**
 * The sending half of a stream: makes packets of what is written, sends them as fast as the other
 * side, the path and the pacing allow, and sends again what is lost. Times in ms.
 *
 * @module
 */
import { Bbr } from "./bbr.ts";
import { DeliveryRate } from "./delivery_rate.ts";
import { type LossObserver, LossRecovery } from "./loss_recovery.ts";
import { MtuSearch } from "./mtu.ts";
import { Pacer } from "./pacing.ts";
import { encodeHeader, type Header, HEADER_SIZE, PacketType, refreshHeader } from "./packet.ts";
import type { Receiver } from "./receiver.ts";
import type { Route } from "./route.ts";
import { SendQueue } from "./send_queue.ts";
import { SentPacket } from "./sent_packet.ts";
import { distance } from "./sequence.ts";
import { Slab } from "./slab.ts";

/** Packets not acknowledged, at most, whatever window the other side claims to have. */
const MAX_OUTSTANDING = 8192;
/** What an acknowledgement takes of the kernel's receive buffer, bytes: far more than its length. */
const ACK_COST = 768;
/** Packets that are sent at most, per ms. */
const MAX_RATE = 100;
/** Until the other side says otherwise. */
const DEFAULT_WINDOW = 4 * 1024 * 1024;
/** IP and UDP headers, bytes. */
const OVERHEAD = { 4: 28, 6: 48 } as const;

/** Sends one stream. */
export class Sender implements LossObserver {
  readonly recovery: LossRecovery;
  readonly bbr: Bbr;
  mtu: MtuSearch = new MtuSearch();
  route: Route | undefined;
  /** Bytes written, and of these acknowledged. */
  written = 0;
  acknowledged = 0;
  retransmits = 0;
  /** The end has arrived, and everything before it. */
  ended = false;

  readonly #queue = new SendQueue();
  readonly #rate = new DeliveryRate();
  readonly #pacer: Pacer;
  readonly #slab = new Slab();
  readonly #receiver: Receiver;
  readonly #transmit: (bytes: Uint8Array, route: Route) => void;
  readonly #header: Header = { type: 0, offset: 0, stream: 0, window: 0, seq: 0, ack: 0 };
  #end: "open" | "queued" | "sent" = "open";
  /** The other side's window, bytes, and the packet that told it (RFC 9293's WL1 and WL2). */
  #window = DEFAULT_WINDOW;
  #windowSeq = 0;
  #windowAck: number;
  #waitsForPacer = false;
  #limit = MAX_OUTSTANDING;

  constructor(
    seq: number,
    now: number,
    receiver: Receiver,
    transmit: (bytes: Uint8Array, route: Route) => void,
  ) {
    this.recovery = new LossRecovery(seq, this);
    this.bbr = new Bbr(now);
    this.#pacer = new Pacer(this.bbr.pacingRate * this.payload, now);
    this.#windowAck = seq;
    this.#receiver = receiver;
    this.#transmit = transmit;
  }

  /** Bytes of the stream that a packet takes. */
  get payload(): number {
    return this.mtu.mtu - HEADER_SIZE - OVERHEAD[this.route?.family ?? 4];
  }

  /** Everything that was sent has been acknowledged. */
  get idle(): boolean {
    return this.recovery.outstanding === 0;
  }

  /** There is something to send, but the other side takes nothing. */
  get blocked(): boolean {
    return this.#window === 0 && this.idle && this.#hasMore;
  }

  /** When {@linkcode onTimer} has to be called next. */
  get deadline(): number {
    const paced = this.#waitsForPacer ? this.#pacer.readyAt() : Infinity;
    return Math.min(this.recovery.deadline, paced);
  }

  write(chunk: Uint8Array): void {
    this.#queue.push(chunk);
    this.written += chunk.length;
  }

  /** Nothing more will be written. */
  end(): void {
    if (this.#end === "open") this.#end = "queued";
  }

  /** The first packet that the other side will send is numbered `ack`. */
  expect(ack: number): void {
    this.#windowSeq = ack;
  }

  /**
   * Limits what may be unacknowledged. On a short path all the acknowledgements end up in the
   * kernel's buffer whenever this process is busy: they may fill one half of it.
   *
   * @param kernelBuffer its size, bytes; 0: unknown
   * @param rtt least round-trip time of the path, ms; Infinity: unknown
   */
  setPath(kernelBuffer: number, rtt: number): void {
    const limit = kernelBuffer > 0 ? kernelBuffer / 2 / ACK_COST + rtt * MAX_RATE : Infinity;
    this.#limit = Math.min(limit, MAX_OUTSTANDING);
  }

  /** Sends what may be sent. */
  pump(now: number): void {
    this.#waitsForPacer = false;
    const { flying, lost } = this.recovery;
    while (lost.first && flying.length < this.bbr.window) {
      if (!this.#mayLeave(now)) return;
      this.#sendAgain(lost.first, now, false);
    }
    while (this.#hasMore && flying.length < this.bbr.window && this.#fits()) {
      if (!this.#mayLeave(now)) return;
      this.#sendNew(now, false);
    }
  }

  /**
   * Takes what a packet of the other side acknowledges.
   *
   * @param bytes the packet
   * @returns false where it acknowledges what was never sent
   */
  onPacket(header: Readonly<Header>, bytes: Uint8Array, now: number): boolean {
    const { recovery } = this;
    if (distance(header.ack, recovery.next) > 0) return false;
    if (distance(header.ack, recovery.oldest) < 0) return true; // overtaken
    this.#updateWindow(header);
    if (this.idle) return true;
    const sack = header.type & PacketType.SACK ? bytes : undefined;
    const { arrived, bytes: acknowledged, rtt } = recovery.acknowledge(header.ack, sack, now);
    this.acknowledged += acknowledged;
    if (this.#end === "sent" && this.idle) this.ended = true;
    if (arrived === 0) return true;
    const lost = this.#detect(now);
    const sample = this.#rate.sample(arrived, lost, rtt, recovery.rtt.minimum, now);
    this.bbr.onAck(sample, {
      now,
      inflight: recovery.flying.length,
      delivered: this.#rate.delivered,
      recovery: recovery.state,
    });
    this.#pace(now);
    return true;
  }

  /** Does what is due. False: the other side no longer answers. */
  onTimer(now: number): boolean {
    const { recovery } = this;
    if (recovery.reorderDue <= now) this.#detect(now);
    if (recovery.probeDue <= now && recovery.takeProbe(now)) this.#probe(now);
    if (recovery.timeoutDue <= now) {
      if (!recovery.timeout(now)) return false;
      this.bbr.onTimeout(recovery.flying.length);
      this.#pace(now);
    }
    this.pump(now);
    return true;
  }

  /** The way is another: its MTU is to be found, and later packets go there. */
  changeRoute(route: Route): void {
    this.route = route;
    this.mtu = new MtuSearch();
  }

  /** Forgets everything that wasn't acknowledged. */
  clear(): void {
    this.#queue.clear();
    this.recovery.clear();
    this.#waitsForPacer = false;
  }

  /** A packet of the other side's acknowledged this one: called by the recovery. */
  arrived(packet: SentPacket): void {
    this.#rate.arrived(packet);
    if (packet.padding > 0) this.mtu.arrived();
    else this.mtu.confirmed();
    packet.bytes = NOTHING; // it may wait long for the ones before it
  }

  /** The recovery found this packet lost: it goes again, without padding. */
  lost(packet: SentPacket): void {
    if (packet.padding === 0) return;
    this.mtu.lost();
    const bytes = this.#slab.take(packet.bytes.length - packet.padding);
    bytes.set(packet.bytes.subarray(0, HEADER_SIZE));
    bytes.set(packet.bytes.subarray(HEADER_SIZE + packet.padding), HEADER_SIZE);
    bytes[3] = 0;
    packet.bytes = bytes;
    packet.padding = 0;
  }

  get #hasMore(): boolean {
    return this.#queue.bytes > 0 || this.#end === "queued";
  }

  /** Whether the other side has room for one more packet. */
  #fits(): boolean {
    if (this.#window === 0) return false;
    const packets = Math.max(1, Math.floor(this.#window / this.payload));
    return this.recovery.outstanding < Math.min(packets, this.#limit);
  }

  #mayLeave(now: number): boolean {
    if (this.#pacer.ready(now)) return true;
    this.#waitsForPacer = true;
    return false;
  }

  #sendNew(now: number, probe: boolean): void {
    const route = this.route!;
    const length = Math.min(this.payload, this.#queue.bytes);
    const size = length + HEADER_SIZE + OVERHEAD[route.family];
    const padding = length > 0 && !probe ? this.mtu.padding(size) : 0;
    const bytes = this.#slab.take(HEADER_SIZE + padding + length);
    bytes.fill(0, HEADER_SIZE, HEADER_SIZE + padding);
    this.#queue.take(bytes, HEADER_SIZE + padding, length);
    const header = this.#header;
    header.type = length > 0 ? PacketType.DATA : 0;
    if (this.#end === "queued" && this.#queue.bytes === 0) {
      header.type |= PacketType.END;
      this.#end = "sent";
    }
    header.offset = padding;
    header.stream = route.id;
    header.window = this.#receiver.window;
    header.seq = this.recovery.next;
    header.ack = this.#receiver.ack;
    encodeHeader(bytes, header);
    if (padding > 0) this.mtu.sent();
    const packet = new SentPacket(header.seq, bytes, padding, length, route);
    const idle = this.idle;
    this.#leave(packet, now, idle);
    this.recovery.sentNew(packet, now, probe);
  }

  #sendAgain(packet: SentPacket, now: number, probe: boolean): void {
    refreshHeader(packet.bytes, this.#receiver.window, this.#receiver.ack);
    this.retransmits++;
    this.#leave(packet, now, false);
    this.recovery.sentAgain(packet, now, probe);
  }

  #leave(packet: SentPacket, now: number, idle: boolean): void {
    const { flying, lost } = this.recovery;
    if (flying.length === 0 && this.#rate.appLimited) {
      this.bbr.onRestart(now);
      this.#pace(now);
    }
    this.#rate.sent(packet, idle, now);
    this.#pacer.spend(packet.bytes.length);
    this.#transmit(packet.bytes, packet.route);
    if (this.#queue.bytes < this.payload && !lost.first && flying.length + 1 < this.bbr.window) {
      this.#rate.limited(flying.length + 1);
    }
  }

  #probe(now: number): void {
    if (this.#hasMore && this.#fits()) this.#sendNew(now, true);
    else if (this.recovery.flying.last) this.#sendAgain(this.recovery.flying.last, now, true);
  }

  #detect(now: number): number {
    const { recovery } = this;
    const before = recovery.state;
    const lost = recovery.detect(now);
    if (before === "open" && recovery.state !== "open") this.bbr.onRecovery();
    return lost;
  }

  #pace(now: number): void {
    this.#pacer.setRate(Math.max(1, this.bbr.pacingRate * this.mtu.mtu), now);
  }

  #updateWindow({ seq, ack, window }: Readonly<Header>): void {
    const newer = distance(seq, this.#windowSeq);
    if (newer < 0 || (newer === 0 && distance(ack, this.#windowAck) < 0)) return;
    this.#window = window;
    this.#windowSeq = seq;
    this.#windowAck = ack;
  }
}

const NOTHING = new Uint8Array(0);
