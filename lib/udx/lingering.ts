/**
 * Last acknowledgements of streams that have ended. When the last one is lost, the other side sends
 * its end again, to a stream that is gone: without an answer it would take a quarter of a minute to
 * give up, with an error.
 *
 * @module
 */
import type { Route } from "./route.ts";

const LIFETIME_MS = 15_000;
const MAX_STREAMS = 1024;

/** What to answer for a stream. */
export interface LastWord {
  readonly packet: Uint8Array;
  readonly route: Route;
  readonly until: number;
}

/** Remembers last acknowledgements for a while. */
export class Lingering {
  readonly #words = new Map<number, LastWord>();

  get size(): number {
    return this.#words.size;
  }

  /** Remembers what to answer for the stream `id`. */
  add(id: number, packet: Uint8Array, route: Route, now: number): void {
    this.#words.delete(id); // so that it becomes the youngest
    this.#words.set(id, { packet, route, until: now + LIFETIME_MS });
    for (const [old, { until }] of this.#words) {
      if (until > now && this.#words.size <= MAX_STREAMS) break;
      this.#words.delete(old);
    }
  }

  /** What to answer, if that is still known. */
  get(id: number, now: number): LastWord | undefined {
    const word = this.#words.get(id);
    return word && word.until > now ? word : undefined;
  }

  /** The id is in use again. */
  delete(id: number): void {
    this.#words.delete(id);
  }
}
