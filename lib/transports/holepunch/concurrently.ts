/**
 * Asking several peers at once.
 *
 * @module
 */
import { abortable } from "../../common/wait.ts";

/**
 * Runs a task for each item of the source, a few at once, and yields what they return as it comes.
 * A task that throws, or returns undefined, yields nothing. Tasks and source are told to stop when
 * the caller has had enough.
 *
 * @throws what the source throws, after all that was yielded
 */
export async function* concurrently<T, R>(
  source: (signal: AbortSignal) => AsyncIterable<T>,
  atOnce: number,
  run: (item: T, signal: AbortSignal) => Promise<R | undefined>,
  parent: AbortSignal,
): AsyncGenerator<R> {
  parent.throwIfAborted();
  const stop = new AbortController();
  const signal = AbortSignal.any([parent, stop.signal]);
  const ready: R[] = [];
  let running = 0;
  let ended = false;
  let failure: unknown;
  let moved = Promise.withResolvers<void>();
  const move = () => {
    moved.resolve();
    moved = Promise.withResolvers();
  };
  signal.addEventListener("abort", move, { once: true });
  const begin = async (item: T) => {
    running++;
    try {
      const result = await run(item, signal);
      if (result !== undefined) ready.push(result);
    } catch {
      // Another peer may do better.
    } finally {
      running--;
      move();
    }
  };
  const feed = async () => {
    for await (const item of source(signal)) {
      while (running >= atOnce && !signal.aborted) await moved.promise;
      if (signal.aborted) return;
      void begin(item);
    }
  };
  void feed().catch((error) => failure = error).finally(() => {
    ended = true;
    move();
  });
  try {
    for (;;) {
      while (ready.length > 0) yield ready.shift()!;
      parent.throwIfAborted();
      if (ended && running === 0) break;
      await abortable(moved.promise, parent);
    }
    if (failure) throw failure;
  } finally {
    stop.abort();
  }
}
