/**
 * Waiting in tests: for an answer or for a file, never for time to pass.
 *
 * @module
 */
import assert from "node:assert/strict";

const UNTIL_MS = 15_000;

/** Asks again until the answer is yes; fails at the deadline. What is asked runs real commands. */
export async function until(what: string, ask: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + UNTIL_MS;
  while (!await ask()) {
    assert(performance.now() < end, `waited ${UNTIL_MS / 1000} s in vain until ${what}`);
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
