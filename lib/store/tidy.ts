/**
 * Making a repository's files agree with its state.
 *
 * @module
 */
import { join } from "node:path";
import { storeError } from "../common/atomic_file.ts";
import { moveFile } from "../git_interface/place_file.ts";
import type { PackRef } from "../manifest/types.ts";
import { MULTI_PACK_INDEX, presentBitmap } from "./bitmap_files.ts";
import { QUARANTINE, type RepoPaths } from "./repo_paths.ts";
import type { RepoState } from "./repo_state.ts";

/** Seconds after which a pack that was never fetched to its end is given up. */
const INCOMING_SECONDS = 7 * 24 * 3600;

/**
 * Leaves in the object directory only the packs of the state, and beside it only those it has
 * retired. What an interrupted operation left half done is thereby finished or undone.
 *
 * @throws {StoreError}
 */
export async function tidyPacks(paths: RepoPaths, state: RepoState): Promise<void> {
  const current = new Set(state.packs.map(({ sha256 }) => sha256));
  const retired = new Set(state.retired.map(({ pack }) => pack.sha256));
  await tidyBitmap(paths, current);
  for (const name of await namesIn(paths.packs)) {
    if (name.startsWith(MULTI_PACK_INDEX)) continue;
    const [, sha256 = "", kind] = /^pack-([0-9a-f]{64})\.(pack|idx)$/.exec(name) ?? [];
    if (current.has(sha256)) continue;
    const path = join(paths.packs, name);
    if (kind === "pack" && retired.has(sha256)) await moveFile(path, paths.retiredPack(sha256));
    else await remove(path);
  }
  for (const name of await namesIn(paths.retired)) {
    if (!retired.has(name.replace(/\.pack$/, ""))) await remove(join(paths.retired, name));
  }
}

/** Leaves of bitmap indexes only one that is of packs that stay, and whole. */
async function tidyBitmap(paths: RepoPaths, current: ReadonlySet<string>): Promise<void> {
  const bitmap = await presentBitmap(paths);
  const { packs, files } = bitmap ?? { packs: [], files: [] };
  const isOfCurrent = packs.length > 0 && packs.every((sha256) => current.has(sha256));
  const kept = isOfCurrent ? files : [];
  for (const name of await namesIn(paths.packs)) {
    if (!name.startsWith(MULTI_PACK_INDEX) || kept.includes(name)) continue;
    await remove(join(paths.packs, name));
  }
}

/** Removes what a killed process left: its folders, temporary files, and old unfinished packs. */
export async function removeLeftovers(paths: RepoPaths): Promise<void> {
  for (const name of await namesIn(paths.own)) {
    const leftover = name.startsWith(QUARANTINE) || name.endsWith(".tmp");
    if (leftover) await remove(join(paths.own, name));
  }
  await remove(paths.outgoing);
  for (const name of await namesIn(paths.root)) {
    if (name.endsWith(".tmp")) await remove(join(paths.root, name));
  }
  await removeGivenUp(paths);
}

/** Removes what was fetched of packs, and not gone on with for a week. */
export async function removeGivenUp(paths: RepoPaths): Promise<void> {
  const oldest = Date.now() - INCOMING_SECONDS * 1000;
  for (const name of await namesIn(paths.incoming)) {
    const path = join(paths.incoming, name);
    const modified = (await Deno.lstat(path)).mtime?.getTime() ?? 0;
    if (modified < oldest) await remove(path);
  }
}

/** Removes what was fetched of packs that are in the store: a killed process may not have come to it. */
export async function removeFetched(paths: RepoPaths, stored: readonly PackRef[]): Promise<void> {
  const names = new Set(stored.map(({ sha256 }) => sha256));
  await removeUnfinished(paths, (sha256) => names.has(sha256));
}

/** Removes what was fetched of packs, all files of those that `which` says of their SHA-256. */
export async function removeUnfinished(
  paths: RepoPaths,
  which: (sha256: string) => boolean,
): Promise<void> {
  for (const name of await namesIn(paths.incoming)) {
    const [sha256 = ""] = name.split(".");
    if (which(sha256)) await remove(join(paths.incoming, name));
  }
}

/** The names in a folder; none if it doesn't exist. */
export async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw storeError(`can't read ${folder}`, error);
  }
}

/** Removes a file or a folder with all in it; one that is not there is fine. */
export async function remove(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw storeError(`can't remove ${path}`, error);
  }
}
