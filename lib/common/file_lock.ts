/**
 * One process at a time.
 *
 * @module
 */
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { storeError } from "./atomic_file.ts";
import { deadline, sleep } from "./wait.ts";

const RETRY_MS = 20;
/** Changing a small file takes no time. */
const CHANGE_MS = 10_000;

/**
 * Takes the lock that the file `path` stands for (flock(2)): it excludes all processes and all callers
 * in this one, and the kernel frees it when its process dies. The file is made, and stays.
 *
 * @returns dispose it to give the lock back
 * @throws the signal's reason where another holds it for longer
 * @throws {StoreError} the file can't be made
 */
export async function lockFile(path: string, signal: AbortSignal): Promise<Disposable> {
  let file: Deno.FsFile;
  try {
    file = await Deno.open(path, { create: true, write: true, mode: 0o600 });
  } catch (error) {
    throw storeError(`can't lock ${path}`, error);
  }
  try {
    // Asked again and again, since a lock that is waited for in the kernel can't be given up.
    while (!await file.tryLock(true)) await sleep(RETRY_MS, signal);
  } catch (error) {
    file.close();
    throw error;
  }
  return { [Symbol.dispose]: () => file.close() };
}

/**
 * Holds all other programs off a small file in the home while it is changed: `<path>.lock`. Its
 * folder is made.
 *
 * @throws {NetworkError} "timed-out" where another holds it for ten seconds
 * @throws {StoreError} the file can't be made
 */
export async function lockForChange(path: string): Promise<Disposable> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 }).catch((error) => {
    throw storeError(`can't write ${path}`, error);
  });
  const hint = "try again; gtr daemon stop, where it doesn't end by itself";
  using limit = deadline(CHANGE_MS, `another program that changes ${path}`, undefined, hint);
  return await lockFile(`${path}.lock`, limit.signal);
}
