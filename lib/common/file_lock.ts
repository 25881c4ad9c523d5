/**
 * One process at a time.
 *
 * @module
 */
import { storeError } from "./atomic_file.ts";
import { sleep } from "./wait.ts";

const RETRY_MS = 20;

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
