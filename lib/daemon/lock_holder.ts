/**
 * Which process holds a home: gtd writes its id into the file that it has locked.
 *
 * @module
 */
import { readTextIfPresent } from "../common/atomic_file.ts";
import type { Home } from "../common/home.ts";

/** Writes this process's id into its lock. */
export async function writePid(lock: Deno.FsFile): Promise<void> {
  await lock.truncate();
  await lock.write(new TextEncoder().encode(`${Deno.pid}\n`));
}

/**
 * The process that wrote the lock last, for a home whose lock is held; undefined if it can't be
 * told, as on systems where nobody else reads a locked file.
 */
export async function lockHolder(home: Home): Promise<number | undefined> {
  const text = await readTextIfPresent(home.lock).catch(() => undefined);
  const [, pid] = /^([1-9][0-9]{0,9})\n$/.exec(text ?? "") ?? [];
  return pid === undefined ? undefined : Number(pid);
}
