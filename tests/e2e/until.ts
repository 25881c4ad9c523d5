/**
 * Waiting in tests: for an answer or for a file, never for time to pass.
 *
 * @module
 */
import assert from "node:assert/strict";

/** Long, for it only has to find what hangs: machines are slow when they do much at once. */
const UNTIL_MS = 60_000;
/** Between two questions: what is waited for needs the processor too. */
const PAUSE_MS = 50;

/**
 * Asks again until the answer is yes; fails at the deadline.
 *
 * @param what "until" it is so; a function is asked at the deadline
 */
export async function until(
  what: string | (() => string),
  ask: () => Promise<boolean>,
): Promise<void> {
  const end = performance.now() + UNTIL_MS;
  while (!await ask()) {
    if (performance.now() > end) {
      const told = typeof what === "string" ? what : what();
      assert.fail(`waited ${UNTIL_MS / 1000} s in vain until ${told}`);
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

/** The first path below `folder` that fits `wanted` and is made or changed from now on. */
export async function untilFile(folder: string, wanted: RegExp): Promise<string> {
  using watcher = Deno.watchFs(folder);
  const timer = setTimeout(() => watcher.return?.(), UNTIL_MS);
  try {
    for await (const event of watcher) {
      const found = event.kind === "access" ? undefined : event.paths.find((p) => wanted.test(p));
      if (found !== undefined) return found;
    }
  } finally {
    clearTimeout(timer);
  }
  assert.fail(`waited ${UNTIL_MS / 1000} s in vain for ${wanted} in ${folder}`);
}
