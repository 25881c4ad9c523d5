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
  #held: Uint8Array = new Uint8Array();

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
      if (this.#held.length === 0) return undefined;
      throw cutOff();
    }
    const digits = decoder.decode(this.#held.subarray(0, HEAD));
    const length = /^[0-9a-f]{4}$/i.test(digits) ? parseInt(digits, 16) : -1;
    const mark = MARKS[length];
    if (mark) return { kind: mark, raw: this.#take(HEAD), content: new Uint8Array() };
    if (length < HEAD || length > LONGEST) throw badPacket("a length in it is none");
    if (!await this.#hold(length)) throw cutOff();
    const raw = this.#take(length);
    return { kind: "data", raw, content: raw.subarray(HEAD) };
  }

  /** Whether so many bytes could be read. */
  async #hold(count: number): Promise<boolean> {
    while (this.#held.length < count) {
      const { value, done } = await this.#reader.read();
      if (done) return false;
      if (this.#held.length === 0) {
        this.#held = value;
        continue;
      }
      const both = new Uint8Array(this.#held.length + value.length);
      both.set(this.#held);
      both.set(value, this.#held.length);
      this.#held = both;
    }
    return true;
  }

  #take(count: number): Uint8Array {
    const taken = this.#held.subarray(0, count);
    this.#held = this.#held.subarray(count);
    return taken;
  }
}

function cutOff(): NetworkError {
  return new NetworkError("stream-cut", "can't read git's stream: it was cut off");
}

function badPacket(why: string): VerificationError {
  return new VerificationError("bad-packet", `can't read git's stream: ${why}`);
}
