/**
 * Who waits until what was written is acknowledged: the writer of more, and those who flush.
 *
 * @module
 */
import type { Sender } from "./sender.ts";

/** Bytes that a stream takes in before it asks its writer to wait, beyond what may be in flight. */
const HIGH_WATER_MARK = 262_144;

/** Continues them as acknowledgements come. */
export class WaitingWriters {
  readonly #sender: Sender;
  #writer: ((error: null) => void) | null = null;
  #closed = false;
  #flushes: { readonly bytes: number; readonly resolve: (done: boolean) => void }[] = [];

  constructor(sender: Sender) {
    this.#sender = sender;
  }

  /** Takes more from the writer now, or when enough of what it wrote is acknowledged. */
  next(done: (error: null) => void): void {
    if (this.#full && !this.#closed) this.#writer = done;
    else done(null);
  }

  /** Resolves with true when all that is written now is acknowledged, false if it never will be. */
  flushed(): Promise<boolean> {
    const { written, acknowledged } = this.#sender;
    if (acknowledged >= written || this.#closed) return Promise.resolve(acknowledged >= written);
    return new Promise((resolve) => this.#flushes.push({ bytes: written, resolve }));
  }

  /** Some of what was written has been acknowledged. */
  acknowledged(): void {
    const { acknowledged } = this.#sender;
    while (this.#flushes.length > 0 && this.#flushes[0]!.bytes <= acknowledged) {
      this.#flushes.shift()!.resolve(true);
    }
    if (this.#writer && !this.#full) this.release();
  }

  /** Lets the writer go on, whatever is acknowledged. */
  release(): void {
    const done = this.#writer;
    this.#writer = null;
    done?.(null);
  }

  /** Nothing will be acknowledged any more. */
  close(): void {
    this.#closed = true;
    for (const { resolve } of this.#flushes.splice(0)) resolve(false);
  }

  get #full(): boolean {
    const { written, acknowledged, bbr, payload } = this.#sender;
    return written - acknowledged > HIGH_WATER_MARK + bbr.window * payload;
  }
}
