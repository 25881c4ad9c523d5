/**
 * gtd's log: one line per event, with the time.
 *
 * @module
 */
import { closeSync, fstatSync, openSync, renameSync, writeSync } from "node:fs";

/** A file that has grown beyond this is set aside, in bytes. */
const ROTATE_AT = 4 << 20;

/** Writes to stderr (the journal, a terminal), or to a file that is kept from growing for ever. */
export class Log implements Disposable {
  readonly #path?: string;
  #file?: number;
  #size = 0;

  /** @param path the file; without it, stderr */
  constructor(path?: string) {
    this.#path = path;
    if (path !== undefined) this.#open(path);
  }

  /** Adds one line. */
  line(message: string): void {
    // Some of it strangers wrote, and somebody may read it on a terminal.
    // deno-lint-ignore no-control-regex -- they are what is taken out
    const text = message.replaceAll(/[\x00-\x1f\x7f-\x9f]+/g, " ");
    const line = `${new Date().toISOString()} ${text}`;
    if (this.#path === undefined || this.#file === undefined) return console.error(line);
    if (this.#size > ROTATE_AT) this.#rotate(this.#path, this.#file);
    this.#size += writeSync(this.#file, `${line}\n`);
  }

  [Symbol.dispose](): void {
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
