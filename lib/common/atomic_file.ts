/**
 * Files that are either the old version or the new one, whatever happens in between.
 *
 * @module
 */
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
  const temporary = neighbour(path);
  try {
    await writeFlushed(temporary, data, mode);
    await Deno.rename(temporary, path);
    await syncDirectory(dirname(path));
  } catch (error) {
    await Deno.remove(temporary).catch(() => {}); // it may never have been made
    throw storeError(`can't write ${path}`, error);
  }
}

/**
 * The same for a file that is made only once: where there is one already, nothing is written.
 *
 * @throws {StoreError} "disk-full" or "not-writable"
 */
export async function writeFileOnce(path: string, data: string, mode: number): Promise<void> {
  const temporary = neighbour(path);
  try {
    await writeFlushed(temporary, data, mode);
    // Unlike rename, link never replaces what another process has just made.
    await Deno.link(temporary, path).catch((error) => {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    });
    await syncDirectory(dirname(path));
  } catch (error) {
    throw storeError(`can't write ${path}`, error);
  } finally {
    await Deno.remove(temporary).catch(() => {}); // it may never have been made
  }
}

function neighbour(path: string): string {
  return `${path}.${crypto.getRandomValues(new Uint8Array(6)).toHex()}.tmp`;
}

async function writeFlushed(path: string, data: string | Uint8Array, mode: number): Promise<void> {
  using file = await Deno.open(path, { write: true, createNew: true, mode });
  const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
  await file.sync();
}

/** Makes renames and new names in `directory` survive a power cut. */
export async function syncDirectory(directory: string): Promise<void> {
  if (Deno.build.os === "windows") return; // directories can't be opened for flushing there
  using handle = await Deno.open(directory);
  await handle.sync();
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
  if (code === "EROFS") {
    return new StoreError("not-writable", `${what}: its file system is read-only`, {
      hint: "make it writable, or choose another place",
      cause,
    });
  }
  if (code === "EACCES" || code === "EPERM") {
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
