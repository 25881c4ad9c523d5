/**
 * Files that are either the old version or the new one, whatever happens in between.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { StoreError } from "./errors.ts";

/**
 * Writes `data` to a temporary neighbour, flushes it to disk and renames it over `path`.
 *
 * @param mode permission bits of the new file, default 0644
 * @throws {StoreError} "disk-full" or "not-writable"
 */
export async function writeFileAtomic(
  path: string,
  data: string | Uint8Array,
  mode = 0o644,
): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    const file = await open(temporary, "wx", mode);
    try {
      await file.writeFile(data);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    await syncDirectory(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true });
    throw storeError(`can't write ${path}`, error);
  }
}

/** Makes renames and new names in `directory` survive a power cut. */
export async function syncDirectory(directory: string): Promise<void> {
  if (Deno.build.os === "windows") return; // directories can't be opened for flushing there
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The file's text, or undefined where it doesn't exist. */
export async function readTextIfPresent(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw storeError(`can't read ${path}`, error);
  }
}

/** An operating-system failure as a {@linkcode StoreError} whose hint fits the cause. */
export function storeError(what: string, cause: unknown): StoreError {
  if (cause instanceof StoreError) return cause;
  const code = (cause as { code?: string }).code ?? "";
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new StoreError("disk-full", `${what}: no space left on the disk`, {
      hint: "free some space and run it again; nothing that was published is lost",
      cause,
    });
  }
  if (code === "EACCES" || code === "EPERM" || code === "EROFS") {
    return new StoreError("not-writable", `${what}: permission denied`, {
      hint: "check the owner and mode of GTR_HOME",
      cause,
    });
  }
  if (code === "ENOTDIR") {
    return new StoreError("not-writable", `${what}: there is a file where a folder has to be`, {
      hint: "check the path in GTR_HOME",
      cause,
    });
  }
  return new StoreError("disk", `${what}: ${(cause as Error).message ?? cause}`, { cause });
}
