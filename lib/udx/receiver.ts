/**
 * The receiving half of a stream: puts packets in order, bounds what is buffered, and says what to
 * acknowledge.
 *
 * @module
 */
import { HEADER_SIZE, MAX_SACK_BLOCKS, PacketType, writeSack } from "./packet.ts";
import { ReceiveBuffer } from "./receive_buffer.ts";
import { advance, distance } from "./sequence.ts";

/** Bytes that may be on their way or unread, at most: what a path of 1 Gbit/s and 32 ms holds. */
export const RECEIVE_WINDOW = 4 * 1024 * 1024;
/** The same of one stream while all of them together hold too much; it keeps no more then. */
export const CROWDED_WINDOW = 256 * 1024;
/** How far ahead a packet may be, in packets. */
const MAX_AHEAD = 65_536;
/** What is received at most, bytes per ms. */
const MAX_RATE = 100_000;
/** SACK blocks that are told from the start, if not all are. */
const FIRST_BLOCKS = 10;

/** Where the receiver delivers. */
export interface ReceiverSink {
  /** Bytes of the stream, in order. They are valid during the call only. */
  data(payload: Uint8Array): void;
  /** Bytes delivered and not read yet. */
  unread(): number;
  /** Whether all streams together hold so much that this one has to do with little. */
  isCrowded(): boolean;
}

/** What was done with a packet. */
export type Received = "delivered" | "buffered" | "old" | "dropped";

/** Receives one stream. */
export class Receiver {
  /** The next sequence number that is waited for. */
  ack = 0;
  /** All has been received, the end included. */
  ended = false;
  readonly #early = new ReceiveBuffer(2 * RECEIVE_WINDOW);
  readonly #sink: ReceiverSink;
  #pathLimit = RECEIVE_WINDOW;

  constructor(sink: ReceiverSink) {
    this.#sink = sink;
  }

  /** Bytes that may be on their way: see {@linkcode setPath}. */
  get limit(): number {
    return this.#sink.isCrowded() ? Math.min(this.#pathLimit, CROWDED_WINDOW) : this.#pathLimit;
  }

  /** Bytes that are kept: what came before its turn, and what isn't read yet. */
  get held(): number {
    return this.#early.bytes + this.#sink.unread();
  }

  /** Bytes that the other side may send: what is unread counts against it. */
  get window(): number {
    return Math.max(0, this.limit - this.#sink.unread());
  }

  /**
   * Limits what may be on its way. On a short path it all ends up in the kernel's buffer whenever
   * this process is busy, and what doesn't fit is lost.
   *
   * @param kernelBuffer its size, bytes, about half of which is payload; 0: unknown
   * @param rtt least round-trip time of the path, ms; Infinity: unknown
   */
  setPath(kernelBuffer: number, rtt: number): void {
    const limit = kernelBuffer > 0 ? kernelBuffer / 2 + rtt * MAX_RATE : Infinity;
    this.#pathLimit = Math.floor(Math.min(limit, RECEIVE_WINDOW));
  }

  /** Packets that wait for their turn. */
  get early(): number {
    return this.#early.size;
  }

  /** Whether `seq` can be of this stream now: not received yet, and not absurdly far ahead. */
  expects(seq: number): boolean {
    return distance(seq, this.ack) >= 0 && !this.isFarAhead(seq);
  }

  /** Whether the other side can't have got to `seq` by now. */
  isFarAhead(seq: number): boolean {
    return distance(seq, this.ack) >= MAX_AHEAD;
  }

  /** Takes a packet with DATA, END or both. */
  receive(type: number, seq: number, payload: Uint8Array): Received {
    if (distance(seq, this.ack) < 0) return "old"; // its acknowledgement was lost
    if (this.ended || !this.expects(seq)) return "dropped";
    // Who sends in spite of a closed window is not listened to; what was on its way still fits.
    const most = this.#sink.isCrowded() ? CROWDED_WINDOW : 2 * RECEIVE_WINDOW;
    if (seq !== this.ack) {
      if (this.#early.has(seq)) return "old";
      if (this.#early.bytes > most) return "dropped";
      return this.#early.add(seq, type, payload) ? "buffered" : "dropped";
    }
    if (this.#sink.unread() > most) return "dropped";
    this.#deliver(type, payload);
    for (let next; (next = this.#early.take(this.ack)) !== undefined;) {
      this.#deliver(next.type, next.payload);
    }
    return "delivered";
  }

  /** Bytes that an acknowledgement takes. */
  get ackSize(): number {
    return HEADER_SIZE + 8 * Math.min(this.#early.blocks.length, MAX_SACK_BLOCKS);
  }

  /**
   * Writes the SACK blocks of an acknowledgement; returns its type. Where there are too many, some
   * in the middle are left out: the first grow as losses are made up for, and the last are new.
   */
  writeAck(bytes: Uint8Array): number {
    const blocks = this.#early.blocks;
    const count = Math.min(blocks.length, MAX_SACK_BLOCKS);
    for (let i = 0; i < count; i++) {
      const block = blocks[i < FIRST_BLOCKS ? i : blocks.length - count + i]!;
      writeSack(bytes, i, block.start, block.end);
    }
    return count > 0 ? PacketType.SACK : 0;
  }

  /** Forgets what is buffered. */
  clear(): void {
    this.#early.clear();
  }

  #deliver(type: number, payload: Uint8Array): void {
    this.ack = advance(this.ack);
    if (this.ended) return;
    if (type & PacketType.END) this.ended = true;
    if (type & PacketType.DATA && payload.length > 0) this.#sink.data(payload);
  }
}
