/**
 * Waiting in tests: for an answer or for a file, never for time to pass.
 *
 * @module
 */
import assert from "node:assert/strict";

const UNTIL_MS = 15_000;

/** Asks again until the answer is yes; fails at the deadline. What is asked runs real commands. */
export async function until(
  what: string,
  ask: () => Promise<boolean>,
  ms: number = UNTIL_MS,
): Promise<void> {
  const end = performance.now() + ms;
  while (!await ask()) {
    assert(performance.now() < end, `waited ${ms / 1000} s in vain until ${what}`);
  }
}

/**
 * Waits until a path of which `wanted` is true shows up or changes anywhere below `folder`; returns
 * undefined where `ended` settles before that.
 */
export async function untilFile(
  folder: string,
  wanted: RegExp,
  ended: Promise<unknown>,
): Promise<string | undefined> {
  using watcher = Deno.watchFs(folder);
  const close = () => {
    try {
      watcher.close();
    } catch {
      // closed already
    }
  };
  const timer = setTimeout(close, UNTIL_MS);
  ended.then(close, close);
  try {
    for await (const event of watcher) {
      const found = event.paths.find((path) => wanted.test(path));
      if (found !== undefined) return found;
    }
  } finally {
    clearTimeout(timer);
  }
  return undefined;
}
