/**
 * Fuzzes one target in a thread, and watches that: no input may take long, or much memory.
 *
 * @module
 */
import { keepCrasher } from "./corpus.ts";
import type { Done, Work } from "./worker.ts";

/** Milliseconds that one input may take on a busy machine. */
const INPUT_MS = 20_000;
/** Bytes of memory that the process may grow by. */
const MAX_GROWTH = 768 * 1024 * 1024;
const WATCH_MS = 100;
const MAX_INPUT = 4 * 1024 * 1024;

/** How it went. */
export interface Outcome extends Done {
  readonly ms: number;
  /** Most bytes of memory that the process had. */
  readonly memory: number;
  /** Where the input that found the fault is kept. */
  readonly crasher?: string;
}

/**
 * Reads the corpus and `count` inputs made from it.
 *
 * @param limits `ms`: no further inputs after so many milliseconds
 */
export async function fuzz(
  target: string,
  limits: { readonly count: number; readonly seed: number; readonly ms: number },
): Promise<Outcome> {
  const shared = new SharedArrayBuffer(8 + MAX_INPUT);
  const folder = await Deno.makeTempDir({ prefix: "gtr-fuzz-" });
  const started = performance.now();
  const worker = new Worker(import.meta.resolve("./worker.ts"), { type: "module" });
  try {
    const watch = new Watch(shared);
    const done = await Promise.race([
      new Promise<Done>((resolve, reject) => {
        worker.onmessage = ({ data }) => resolve(data);
        worker.onerror = (event) => {
          event.preventDefault();
          reject(new Error(event.message));
        };
        worker.postMessage({ target, ...limits, shared, folder } satisfies Work);
      }).catch((error: Error) => fault(error.message)),
      watch.fault.then(fault),
    ]);
    watch.end();
    const outcome = { ...done, ms: performance.now() - started, memory: watch.memory };
    if (done.fault === undefined) return outcome;
    return { ...outcome, crasher: await keepCrasher(target, limits.seed, inputIn(shared)) };
  } finally {
    worker.terminate();
    await Deno.remove(folder, { recursive: true }).catch(() => {});
  }
}

/** Looks at the time and the memory that the worker takes. */
class Watch {
  /** Settles where it takes too much. */
  readonly fault: Promise<string>;
  memory = Deno.memoryUsage().rss;
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(shared: SharedArrayBuffer) {
    const before = this.memory;
    const { promise, resolve } = Promise.withResolvers<string>();
    this.fault = promise;
    const head = new Int32Array(shared, 0, 2);
    let number = 0;
    let since = performance.now();
    this.#timer = setInterval(() => {
      this.memory = Math.max(this.memory, Deno.memoryUsage().rss);
      if (this.memory - before > MAX_GROWTH) resolve(`memory: ${this.memory} bytes`);
      const now = Atomics.load(head, 1);
      if (now !== number) {
        number = now;
        since = performance.now();
      } else if (number > 0 && performance.now() - since > INPUT_MS) {
        resolve(`an input took more than ${INPUT_MS / 1000} s`);
      }
    }, WATCH_MS);
  }

  end(): void {
    clearInterval(this.#timer);
  }
}

function fault(text: string): Done {
  return { inputs: 0, accepted: 0, kept: 0, keptAccepted: 0, fault: text };
}

function inputIn(shared: SharedArrayBuffer): Uint8Array {
  const length = new Int32Array(shared, 0, 1)[0]!;
  return new Uint8Array(shared, 8, Math.min(length, MAX_INPUT)).slice();
}
