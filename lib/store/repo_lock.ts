/**
 * One process at a time.
 *
 * @module
 */
import { dirname } from "node:path";
import { storeError } from "../common/atomic_file.ts";
import { GtrError, StoreError } from "../common/errors.ts";
import { sleep, type Wait } from "../common/wait.ts";

const POLL_MS = 20;

/**
 * Takes the lock that the file `path` stands for (flock(2)): exclusive among all processes and all
 * callers in one, and given back by the kernel when a process dies.
 *
 * @returns dispose it to give the lock back
 * @throws {StoreError} "repository-busy" if another has it until the deadline
 */
export async function acquireLock(path: string, wait: Wait): Promise<Disposable> {
  for (;;) {
    const lock = await tryLock(path);
    if (lock) return lock;
    try {
      await sleep(POLL_MS, wait.signal); // a blocking flock can't be called off
    } catch (reason) {
      throw isTimeout(reason) ? busy(path, reason) : reason;
    }
  }
}

/** The same without waiting: undefined if another has it. */
export async function tryLock(path: string): Promise<Disposable | undefined> {
  try {
    await Deno.mkdir(dirname(path), { recursive: true });
    const file = await Deno.open(path, { create: true, write: true });
    if (await file.tryLock(true) && await isStill(path, file)) return release(file);
    file.close();
    return undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined; // removed at this moment: again
    throw storeError(`can't lock ${path}`, error);
  }
}

/** A lock on a file that was removed meanwhile excludes nobody. */
async function isStill(path: string, file: Deno.FsFile): Promise<boolean> {
  try {
    return (await Deno.stat(path)).ino === (await file.stat()).ino;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function release(file: Deno.FsFile): Disposable {
  let held = true;
  return {
    [Symbol.dispose]() {
      if (held) file.close();
      held = false;
    },
  };
}

function isTimeout(reason: unknown): boolean {
  return reason instanceof GtrError
    ? reason.code === "timed-out"
    : reason instanceof DOMException && reason.name === "TimeoutError";
}

function busy(path: string, cause: unknown): StoreError {
  return new StoreError("repository-busy", `can't lock ${path}: another process holds it`, {
    hint: "wait until the other fetch or publication has ended, and run it again",
    cause,
  });
}
