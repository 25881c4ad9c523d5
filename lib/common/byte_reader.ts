/**
 * A line, so many bytes, and then the rest of a byte stream.
 *
 * @module
 */
import { VerificationError } from "./errors.ts";

const NEWLINE = 0x0a;

/** Reads from the start of a stream what has a known bound. */
export class ByteReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #held: Uint8Array = new Uint8Array();

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader();
  }

  /**
   * The next line without its newline.
   *
   * @throws {VerificationError} "bad-hello" where it is longer than `max` bytes, or cut off
   */
  async line(max: number): Promise<Uint8Array> {
    for (;;) {
      const end = this.#held.indexOf(NEWLINE);
      if (end > max || (end < 0 && this.#held.length > max)) throw badHello("is too long");
      if (end >= 0) {
        const line = this.#held.subarray(0, end);
        this.#held = this.#held.subarray(end + 1);
        return line;
      }
      await this.#more();
    }
  }

  /** @throws {VerificationError} "bad-hello" where there are fewer */
  async bytes(count: number): Promise<Uint8Array> {
    const all = new Uint8Array(count);
    for (let at = 0; at < count;) {
      if (this.#held.length === 0) await this.#more();
      const part = this.#held.subarray(0, count - at);
      this.#held = this.#held.subarray(part.length);
      all.set(part, at);
      at += part.length;
    }
    return all;
  }

  /** Everything that follows. The reader can't be used afterwards. */
  rest(): ReadableStream<Uint8Array> {
    const reader = this.#reader;
    let held: Uint8Array | undefined = this.#held;
    return new ReadableStream<Uint8Array>({
      async pull(controller) {
        const first = held;
        held = undefined;
        if (first?.length) return controller.enqueue(first);
        const { value, done } = await reader.read();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: (reason) => reader.cancel(reason),
    }, { highWaterMark: 0 });
  }

  async #more(): Promise<void> {
    const { value, done } = await this.#reader.read();
    if (done) throw badHello("was cut off");
    if (this.#held.length === 0) {
      this.#held = value;
      return;
    }
    const both = new Uint8Array(this.#held.length + value.length);
    both.set(this.#held);
    both.set(value, this.#held.length);
    this.#held = both;
  }
}

function badHello(why: string): VerificationError {
  return new VerificationError("bad-hello", `can't talk to a peer: what it said ${why}`);
}
