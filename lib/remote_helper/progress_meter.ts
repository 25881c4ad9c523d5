/**
 * Progress on stderr, in the form of git's own (`progress.c`).
 *
 * @module
 */
import type { Progress } from "../common/wait.ts";

/** The rate on show changes at most this often, in milliseconds, as git's does. */
const RATE_INTERVAL_MS = 500;

/** One activity's line: `Receiving packs:  42% (3/7), 12.40 MiB | 8.10 MiB/s`. */
export class ProgressMeter {
  readonly #write: (text: string) => void;
  readonly #now: () => number;
  #title = "";
  #counters = "";
  #shown = "";
  #throughput = "";
  /** Bytes and time of the first report: what was there before did not come now. */
  #start = { bytes: 0, at: 0 };
  #rated = 0;

  /** `now` is a clock in milliseconds. */
  constructor(write: (text: string) => void, now: () => number = () => performance.now()) {
    this.#write = write;
    this.#now = now;
  }

  /**
   * Shows one report. Packs are reported in bytes, with `what` the packs done of how many ("3/7");
   * everything else in its own units, with `what` as title.
   */
  readonly report: Progress = (done, total, what) => {
    const packs = /^\d+\/\d+$/.test(what);
    const title = packs ? "Receiving packs" : what;
    if (title !== this.#title) this.#begin(title, done);
    const percent = total > 0 ? Math.min(100, Math.floor((done * 100) / total)) : undefined;
    const count = packs ? `(${what})` : total > 0 ? `(${done}/${total})` : `${done}`;
    if (packs) this.#measure(done, count !== this.#counters && done >= total);
    this.#counters = count;
    const state = percent === undefined ? count : `${String(percent).padStart(3)}% ${count}`;
    this.#show(`${title}: ${state}${this.#throughput}`);
  };

  /** Ends the line, if there is one. */
  done(): void {
    if (this.#title !== "") this.#write(`${this.#shown}, done.\n`);
    this.#title = this.#shown = "";
  }

  /** Leaves the line as it is, so that an error message starts on its own. */
  abandon(): void {
    if (this.#title !== "") this.#write("\n");
    this.#title = this.#shown = "";
  }

  #begin(title: string, bytes: number): void {
    this.done();
    this.#title = title;
    this.#counters = this.#throughput = "";
    this.#start = { bytes, at: this.#now() };
    this.#rated = -Infinity;
  }

  #measure(bytes: number, last: boolean): void {
    const now = this.#now();
    if (!last && now - this.#rated < RATE_INTERVAL_MS) return;
    this.#rated = now;
    const seconds = (now - this.#start.at) / 1000;
    const rate = seconds > 0 ? (bytes - this.#start.bytes) / seconds : 0;
    const speed = rate > 0 ? ` | ${humanBytes(rate)}/s` : ""; // nothing is known at first
    this.#throughput = `, ${humanBytes(bytes)}${speed}`;
  }

  #show(line: string): void {
    if (line === this.#shown) return;
    this.#write(line.padEnd(this.#shown.length) + "\r");
    this.#shown = line;
  }
}

/** `12.40 MiB`, as git writes sizes. */
export function humanBytes(bytes: number): string {
  const units: readonly [string, number][] = [["GiB", 2 ** 30], ["MiB", 2 ** 20], ["KiB", 2 ** 10]];
  for (const [unit, size] of units) {
    if (bytes >= size) return `${(bytes / size).toFixed(2)} ${unit}`;
  }
  return `${Math.floor(bytes)} bytes`;
}
