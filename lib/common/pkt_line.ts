/**
 * git's framing of its wire protocol (gitprotocol-common(5), pkt-line).
 *
 * @module
 */
import { NetworkError, VerificationError } from "./errors.ts";

/** What a packet is: content, or one of the marks of protocol 2. */
export type PacketKind = "data" | "flush" | "delimiter" | "end";

/** One packet. */
export interface Packet {
  readonly kind: PacketKind;
  /** All of it, its length included. */
  readonly raw: Uint8Array;
  /** Empty but for `data`. */
  readonly content: Uint8Array;
}

const HEAD = 4;
/** The longest packet, in bytes with its length. */
const LONGEST = 65520;
const MARKS: readonly PacketKind[] = ["flush", "delimiter", "end"];

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Ends a request or an answer. */
export const FLUSH: Uint8Array = encoder.encode("0000");

/** A packet of this text. */
export function packetOf(text: string): Uint8Array {
  const content = encoder.encode(text);
  if (content.length + HEAD > LONGEST) throw new RangeError("text too long for a packet");
  const raw = new Uint8Array(content.length + HEAD);
  raw.set(encoder.encode((content.length + HEAD).toString(16).padStart(HEAD, "0")));
  raw.set(content, HEAD);
  return raw;
}

/** The text of a packet without the newline that may end it. */
export function textOf({ content }: Packet): string {
  return decoder.decode(content).replace(/\n$/, "");
}

/** Cuts a byte stream into packets. */
export class PacketReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  /** What was read and not taken yet, in order. */
  readonly #chunks: Uint8Array[] = [];
  #held = 0;

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader();
  }

  /**
   * The next packet; undefined at the end of the stream.
   *
   * @throws {VerificationError} "bad-packet" where the stream is something else
   * @throws {NetworkError} "stream-cut" where it ends within a packet
   */
  async next(): Promise<Packet | undefined> {
    if (!await this.#hold(HEAD)) {
      if (this.#held === 0) return undefined;
      throw cutOff();
    }
    const digits = decoder.decode(this.#peek(HEAD));
    const length = /^[0-9a-f]{4}$/i.test(digits) ? parseInt(digits, 16) : -1;
    const mark = MARKS[length];
    if (mark) return { kind: mark, raw: this.#take(HEAD), content: new Uint8Array() };
    if (length < HEAD || length > LONGEST) throw badPacket("invalid packet length");
    if (!await this.#hold(length)) throw cutOff();
    const raw = this.#take(length);
    return { kind: "data", raw, content: raw.subarray(HEAD) };
  }

  /** Whether so many bytes could be read. */
  async #hold(count: number): Promise<boolean> {
    while (this.#held < count) {
      const { value, done } = await this.#reader.read();
      if (done) return false;
      this.#chunks.push(value);
      this.#held += value.length;
    }
    return true;
  }

  /** The next bytes, copied only where they came in pieces. */
  #take(count: number): Uint8Array {
    this.#held -= count;
    const [first] = this.#chunks;
    if (first && first.length > count) {
      this.#chunks[0] = first.subarray(count);
      return first.subarray(0, count);
    }
    if (first?.length === count) return this.#chunks.shift()!;
    const taken = new Uint8Array(count);
    for (let at = 0; at < count;) {
      const chunk = this.#chunks.shift()!;
      const part = chunk.subarray(0, count - at);
      taken.set(part, at);
      at += part.length;
      if (part.length < chunk.length) this.#chunks.unshift(chunk.subarray(part.length));
    }
    return taken;
  }

  /** The same bytes without taking them. */
  #peek(count: number): Uint8Array {
    const [first] = this.#chunks;
    if (first && first.length >= count) return first.subarray(0, count);
    const start = this.#take(count);
    this.#chunks.unshift(start);
    this.#held += count;
    return start;
  }
}

function cutOff(): NetworkError {
  return new NetworkError("stream-cut", "can't read git's stream: it was cut off");
}

function badPacket(why: string): VerificationError {
  return new VerificationError("bad-packet", `can't read git's stream: ${why}`);
}
