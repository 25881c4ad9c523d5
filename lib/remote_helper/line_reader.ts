/**
 * Lines from a byte stream whose rest may be something else.
 *
 * @module
 */
import { GtrError } from "../common/errors.ts";

/** Longest line git is expected to send, in bytes. */
const MAX_LINE = 64 * 1024;
const NEWLINE = 0x0a;

/** Reads lines, and after them hands over whatever bytes follow, none lost and none decoded. */
export class LineReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #decoder = new TextDecoder();
  #buffer: Uint8Array = new Uint8Array();

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader();
  }

  /**
   * The next line without its newline; undefined at the end of the stream.
   *
   * @throws {GtrError} "bad-command" where a line is longer than 64 KiB
   */
  async readLine(): Promise<string | undefined> {
    let searched = 0;
    for (;;) {
      const end = this.#buffer.indexOf(NEWLINE, searched);
      if (end >= 0) {
        const line = this.#decoder.decode(this.#buffer.subarray(0, end));
        this.#buffer = this.#buffer.subarray(end + 1);
        return line;
      }
      searched = this.#buffer.length;
      if (searched > MAX_LINE) {
        throw new GtrError("bad-command", "can't read git's command: the line does not end");
      }
      const { value, done } = await this.#reader.read();
      if (done) return undefined; // a last line without its newline is a command cut off
      this.#buffer = joined(this.#buffer, value);
    }
  }

  /** Everything after the last line read. The reader can't be used afterwards. */
  rest(): ReadableStream<Uint8Array> {
    const reader = this.#reader;
    let first: Uint8Array | undefined = this.#buffer;
    return new ReadableStream<Uint8Array>({
      async pull(controller) {
        if (first?.length) controller.enqueue(first);
        else {
          const { value, done } = await reader.read();
          if (done) controller.close();
          else controller.enqueue(value);
        }
        first = undefined;
      },
      cancel: (reason) => reader.cancel(reason),
    }, { highWaterMark: 0 });
  }
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (a.length === 0) return b;
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
