/**
 * Bringing a finished file to another place without copying its bytes where that can be avoided.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import { dirname, join } from "node:path";
import { storeError } from "../common/atomic_file.ts";

/**
 * Hard-links `from` as `to`, or copies it where links are impossible (another file system, one
 * without links, too many links). A `to` that exists is left as it is.
 *
 * @throws {StoreError}
 */
export async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await Deno.link(from, to);
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return;
    if (error instanceof Deno.errors.NotFound) throw storeError(`can't link ${from}`, error);
    await copyWhole(from, to);
  }
}

/**
 * Moves `from` over `to`: a rename, or a copy where they are on different file systems.
 *
 * @throws {StoreError}
 */
export async function moveFile(from: string, to: string): Promise<void> {
  try {
    await Deno.rename(from, to);
  } catch (error) {
    if ((error as { code?: string }).code !== "EXDEV") {
      throw storeError(`can't move ${from}`, error);
    }
    await copyWhole(from, to);
    await Deno.remove(from);
  }
}

/** `to` appears with all its bytes; `tmp_` is the prefix of leftovers that git itself cleans up. */
async function copyWhole(from: string, to: string): Promise<void> {
  const temporary = join(dirname(to), `tmp_pack_${randomBytes(6).toString("hex")}`);
  try {
    await Deno.copyFile(from, temporary);
    await Deno.rename(temporary, to);
  } catch (error) {
    await Deno.remove(temporary).catch(() => {});
    throw storeError(`can't copy ${from} to ${to}`, error);
  }
}
