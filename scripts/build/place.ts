/**
 * Putting files where they belong, whole or not at all.
 *
 * @module
 */
import { join } from "node:path";

/** Makes `path` the same file as `from`, else a copy of it with the same times. */
export async function place(from: string, path: string): Promise<void> {
  const temporary = `${path}.${Deno.pid}.tmp`;
  try {
    await Deno.link(from, temporary);
  } catch {
    const { atime, mtime } = await Deno.stat(from);
    await Deno.copyFile(from, temporary); // another file system
    await Deno.utime(temporary, atime ?? new Date(), mtime ?? new Date());
  }
  await Deno.rename(temporary, path);
}

/** Places the running Deno, unless the same one is there already. */
export async function placeDeno(path: string): Promise<void> {
  const [ours, there] = await Promise.all([
    Deno.stat(Deno.execPath()),
    Deno.stat(path).catch(() => undefined),
  ]);
  if (there && there.size === ours.size && there.mtime?.getTime() === ours.mtime?.getTime()) return;
  await place(Deno.execPath(), path);
}

/** Writes a file that is seen whole. */
export async function writeFile(path: string, content: string, mode = 0o644): Promise<void> {
  const temporary = `${path}.${Deno.pid}.tmp`;
  await Deno.writeTextFile(temporary, content, { mode });
  await Deno.rename(temporary, path);
}

/** Removes what no longer belongs into `folder`: executables that are gone, half-finished files. */
export async function removeOthers(folder: string, keep: readonly string[]): Promise<void> {
  for await (const entry of Deno.readDir(folder)) {
    if (keep.includes(entry.name)) continue;
    await Deno.remove(join(folder, entry.name), { recursive: true }).catch(() => {});
  }
}
