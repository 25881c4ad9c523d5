/**
 * Packets that were sent and not acknowledged yet.
 *
 * @module
 */
import type { Route } from "./route.ts";

/** A packet of the stream: what is needed to send it again and to learn from its arrival. */
export class SentPacket {
  /** When it was last sent, ms. */
  sentAt = 0;
  /** Sent more than once. */
  retransmitted = false;
  /** Times that the retransmission timer ran out for it. */
  timeouts = 0;
  /** Where it is: in flight, to be sent again, or arrived. */
  state: "new" | "flying" | "lost" | "arrived" = "new";
  /** What had been delivered when it was sent: see {@linkcode DeliveryRate}. */
  delivered = 0;
  deliveredAt = 0;
  firstSentAt = 0;
  appLimited = false;

  /** Neighbours in the list it is in. */
  previous: SentPacket | undefined;
  next: SentPacket | undefined;

  /**
   * @param bytes the whole packet
   * @param padding bytes of padding; more than 0: a probe of the MTU
   * @param payload bytes of the stream in it
   * @param route where it goes, also when sent again
   */
  constructor(
    readonly seq: number,
    public bytes: Uint8Array,
    public padding: number,
    readonly payload: number,
    readonly route: Route,
  ) {}
}

/** A list in the order of sending, from which any packet can be taken at once. */
export class PacketList {
  first: SentPacket | undefined;
  last: SentPacket | undefined;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Appends a packet that is in no list. */
  push(packet: SentPacket): void {
    packet.previous = this.last;
    packet.next = undefined;
    if (this.last) this.last.next = packet;
    else this.first = packet;
    this.last = packet;
    this.#length++;
  }

  /** Takes out a packet that is in this list. */
  remove(packet: SentPacket): void {
    if (packet.previous) packet.previous.next = packet.next;
    else this.first = packet.next;
    if (packet.next) packet.next.previous = packet.previous;
    else this.last = packet.previous;
    packet.previous = packet.next = undefined;
    this.#length--;
  }

  clear(): void {
    this.first = this.last = undefined;
    this.#length = 0;
  }
}

/** Packets by sequence number, for numbers that are close together. */
export class PacketRing {
  #slots: (SentPacket | undefined)[] = new Array(16);

  get(seq: number): SentPacket | undefined {
    const packet = this.#slots[seq & (this.#slots.length - 1)];
    return packet?.seq === seq ? packet : undefined;
  }

  set(packet: SentPacket): void {
    while (this.#slots[packet.seq & (this.#slots.length - 1)]) this.#grow();
    this.#slots[packet.seq & (this.#slots.length - 1)] = packet;
  }

  delete(seq: number): void {
    this.#slots[seq & (this.#slots.length - 1)] = undefined;
  }

  clear(): void {
    this.#slots = new Array(16);
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Array(old.length * 2);
    for (const packet of old) {
      if (packet) this.#slots[packet.seq & (this.#slots.length - 1)] = packet;
    }
  }
}
