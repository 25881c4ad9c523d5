/**
 * Small files that are asked for far more often than they change.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { storeError } from "../common/atomic_file.ts";

/** What is remembered in all, in bytes of files: what was parsed takes a few times that. */
const MOST_BYTES = 4 << 20;

/** A file as it was read last. */
interface Known<T> {
  readonly bytes: Uint8Array;
  readonly value: T;
}

/**
 * Parses each file once for each time that it changes. It is read every time, and what is in it counts,
 * not its date: another process may write it, and dates of files come in steps. Reading costs hardly
 * more than asking for a date, and checking a signature twenty times as much.
 */
export class ParsedFiles<T> {
  /** By path, what was parsed last at the end. */
  readonly #known = new Map<string, Known<T>>();
  #bytes = 0;

  /**
   * What is in a file; undefined if there is none. The same object each time, so it must not be changed.
   *
   * @param parse must give the same for the same bytes of this file; if it throws, that is not remembered
   * @throws {StoreError} the file can't be read
   * @throws what `parse` throws
   */
  async read(path: string, parse: (bytes: Uint8Array) => T): Promise<T | undefined> {
    const bytes = await readIfPresent(path);
    const known = this.#known.get(path);
    if (bytes && known && Buffer.compare(bytes, known.bytes) === 0) return known.value;
    this.#forget(path);
    if (!bytes) return undefined;
    const value = parse(bytes);
    this.#known.set(path, { bytes, value });
    this.#bytes += bytes.length;
    for (const oldest of this.#known.keys()) {
      if (this.#bytes <= MOST_BYTES) break;
      this.#forget(oldest);
    }
    return value;
  }

  #forget(path: string): void {
    this.#bytes -= this.#known.get(path)?.bytes.length ?? 0;
    this.#known.delete(path);
  }
}

async function readIfPresent(path: string): Promise<Uint8Array | undefined> {
  try {
    return await Deno.readFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw storeError(`can't read ${path}`, error);
  }
}
