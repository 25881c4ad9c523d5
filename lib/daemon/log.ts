/**
 * gtd's log: one line per event, with the time; what repeats is summed up.
 *
 * @module
 */
import { counted } from "../common/counted.ts";
import { closeSync, fstatSync, openSync, renameSync, writeSync } from "node:fs";

/** A file that has grown beyond this is set aside, in bytes. */
const ROTATE_AT = 4 << 20;
/** The same line is written once in so many milliseconds: strangers can cause some of them. */
const REPEAT_MS = 60_000;
/** Different lines of which that is known. */
const MAX_RECENT = 256;

/** Writes to stderr (the journal, a terminal), or to a file that is kept from growing for ever. */
export class Log implements Disposable {
  readonly #path?: string;
  readonly #now: () => number;
  /** Text -> when it was written last, and how often it came since. In the order of that time. */
  readonly #recent = new Map<string, { readonly at: number; more: number }>();
  #file?: number;
  #size = 0;

  /**
   * @param path the file; without it, stderr
   * @param now milliseconds of any clock
   */
  constructor(path?: string, now: () => number = () => performance.now()) {
    this.#path = path;
    this.#now = now;
    if (path !== undefined) this.#open(path);
  }

  /** Adds one line, unless the same was added within the last minute: that is counted. */
  line(message: string): void {
    // Some of it strangers wrote, and somebody may read it on a terminal.
    // deno-lint-ignore no-control-regex -- they are what is taken out
    const text = message.replaceAll(/[\x00-\x1f\x7f-\x9f]+/g, " ");
    this.#sumUp(this.#now() - REPEAT_MS);
    const known = this.#recent.get(text);
    if (known) return void known.more++;
    this.#recent.set(text, { at: this.#now(), more: 0 });
    this.#write(text);
  }

  /** Tells how often lines came again that were written up to that time; all but the newest go. */
  #sumUp(until: number): void {
    for (const [text, { at, more }] of this.#recent) {
      if (at > until && this.#recent.size <= MAX_RECENT) return;
      this.#recent.delete(text);
      if (more > 0) this.#write(`${text} (${counted(more, "more time")})`);
    }
  }

  #write(text: string): void {
    const line = `${new Date().toISOString()} ${text}`;
    if (this.#path === undefined || this.#file === undefined) return console.error(line);
    if (this.#size > ROTATE_AT) this.#rotate(this.#path, this.#file);
    this.#size += writeSync(this.#file, `${line}\n`);
  }

  [Symbol.dispose](): void {
    this.#sumUp(Infinity);
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  /** The file before becomes `<path>.1`; the one before that is given up. */
  #rotate(path: string, file: number): void {
    closeSync(file);
    renameSync(path, `${path}.1`);
    this.#open(path);
  }

  #open(path: string): void {
    this.#file = openSync(path, "a", 0o600);
    this.#size = fstatSync(this.#file).size;
  }
}
