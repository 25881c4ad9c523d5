/**
 * The list of what was installed, which is what uninstalling removes.
 *
 * @module
 */
import { join } from "node:path";
import { failure, InstallError } from "./error.ts";

/** What was installed. All paths are relative to the prefix. */
export interface Record {
  readonly version: 1;
  readonly files: readonly string[];
  /** Folders that were not there before; ".." and so on are those above the prefix. */
  readonly folders: readonly string[];
  /** Bundles of the installation before, for a gtd that still runs from them. */
  readonly replaced: readonly string[];
}

/** Its own path, relative to the prefix. */
export const RECORD = "share/gtr/installed.json";

/**
 * Reads the list; undefined where nothing was installed.
 *
 * @throws {InstallError} where it is damaged, or names what can't have been installed
 */
export async function readRecord(base: string): Promise<Record | undefined> {
  const path = join(base, RECORD);
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw failure(`can't read ${path}`, error);
  }
  try {
    const { version, files, folders, replaced } = JSON.parse(text);
    const inside = (p: string) => /^[^/]/.test(p) && !p.split("/").includes("..");
    const above = (p: string) => /^\.$|^\.\.(\/\.\.)*$/.test(p);
    if (
      version === 1 && [...files, ...replaced].every(inside) &&
      folders.every((p: string) => inside(p) || above(p))
    ) return { version, files, folders, replaced };
  } catch {
    // told below
  }
  throw new InstallError(`can't use ${path}: it is damaged (remove it and what is installed)`);
}
