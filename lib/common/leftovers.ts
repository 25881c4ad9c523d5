/**
 * What processes that were killed left behind.
 *
 * @module
 */
import { rm } from "node:fs/promises";
import { join } from "node:path";

/** No command works this long on one temporary file, in milliseconds. */
const OLD_MS = 24 * 3600_000;

/** Removes the entries of `folder` whose name matches and that nobody has touched for a day. */
export async function removeLeftovers(folder: string, name: RegExp): Promise<void> {
  try {
    for await (const entry of Deno.readDir(folder)) {
      if (!name.test(entry.name)) continue;
      const path = join(folder, entry.name);
      const { mtime } = await Deno.lstat(path);
      if (mtime && Date.now() - mtime.getTime() > OLD_MS) await rm(path, { recursive: true });
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error; // gone meanwhile, or never there
  }
}
