/**
 * Packets that came before their turn.
 *
 * @module
 */
import { advance, distance } from "./sequence.ts";

/** A packet in the buffer. */
export interface Buffered {
  readonly type: number;
  readonly payload: Uint8Array;
}

/** Received packets without a gap: [start, end). */
export interface Block {
  start: number;
  end: number;
}

/** What a packet costs beside its payload, so that empty ones are bounded too; bytes. */
const OVERHEAD = 128;
/** Gaps between blocks; a path that loses every second packet of a full window makes no more. */
const MAX_BLOCKS = 2048;

/** Holds packets by their sequence number, and the blocks they form, in order. */
export class ReceiveBuffer {
  readonly #packets = new Map<number, Buffered>();
  readonly #blocks: Block[] = [];
  readonly #limit: number;
  #bytes = 0;

  /** @param limit bytes it takes, at most; each packet counts 128 more than its payload */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Packets in the buffer. */
  get size(): number {
    return this.#packets.size;
  }

  /** Bytes in the buffer, as they count for the limit. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The blocks, in order: what a SACK tells the sender. */
  get blocks(): readonly Readonly<Block>[] {
    return this.#blocks;
  }

  /** Whether the packet is here. */
  has(seq: number): boolean {
    return this.#packets.has(seq);
  }

  /** Keeps a copy of a packet. False where it is here already, or there is no room for it. */
  add(seq: number, type: number, payload: Uint8Array): boolean {
    const cost = payload.length + OVERHEAD;
    if (this.#bytes + cost > this.#limit || this.#packets.has(seq)) return false;
    if (!this.#extend(seq)) return false;
    this.#packets.set(seq, { type, payload: payload.slice() });
    this.#bytes += cost;
    return true;
  }

  /** Takes out the packet whose turn it is. All before it must have been taken or skipped. */
  take(seq: number): Buffered | undefined {
    const packet = this.#packets.get(seq);
    if (packet === undefined) return undefined;
    this.#packets.delete(seq);
    this.#bytes -= packet.payload.length + OVERHEAD;
    const first = this.#blocks[0]!;
    first.start = advance(first.start);
    if (first.start === first.end) this.#blocks.shift();
    return packet;
  }

  /** Forgets everything. */
  clear(): void {
    this.#packets.clear();
    this.#blocks.length = 0;
    this.#bytes = 0;
  }

  /** Puts `seq` into the blocks, from the end: that is where it nearly always belongs. */
  #extend(seq: number): boolean {
    const blocks = this.#blocks;
    let i = blocks.length - 1;
    while (i >= 0 && distance(blocks[i]!.start, seq) > 0) i--;
    const before = blocks[i];
    const after = blocks[i + 1];
    const joinsBefore = before?.end === seq;
    const joinsAfter = after?.start === advance(seq);
    if (joinsBefore && joinsAfter) {
      before.end = after.end;
      blocks.splice(i + 1, 1);
    } else if (joinsBefore) {
      before.end = advance(seq);
    } else if (joinsAfter) {
      after.start = seq;
    } else {
      if (blocks.length >= MAX_BLOCKS) return false;
      blocks.splice(i + 1, 0, { start: seq, end: advance(seq) });
    }
    return true;
  }
}
