/**
 * What files take on the disk, and what is left of it.
 *
 * @module
 */
import { statfs } from "node:fs/promises";
import { join } from "node:path";
import { storeError } from "../common/atomic_file.ts";

const BLOCK_BYTES = 512;
/** Of a disk that is kept free unless it is set: so much, or a share of it if that is less. */
const FLOOR_BYTES = 2 ** 30;
const FLOOR_SHARE = 0.05;

/** What the files in a folder take, in bytes. */
export interface Usage {
  /** Holes in files left out. */
  readonly bytes: number;
  /** Of these, what removing the folder gives back: a clone's hard links keep the rest. */
  readonly freeable: number;
}

/**
 * What the files in a folder and below take; nothing if it isn't there. Links are not followed.
 *
 * @param seen files that were counted before, for hard links to them; those here are added
 * @throws {StoreError}
 */
export async function usageOf(folder: string, seen = new Set<string>()): Promise<Usage> {
  const parts = await Promise.all((await entriesOf(folder)).map(async (entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory) return await usageOf(path, seen);
    return entry.isFile ? await usageOfFile(path, seen) : NOTHING;
  }));
  return sumOf(parts);
}

/**
 * What one file takes; nothing if it isn't there, or was counted before.
 *
 * @throws {StoreError}
 */
export async function usageOfFile(path: string, seen = new Set<string>()): Promise<Usage> {
  const info = await lstatIfPresent(path);
  if (!info) return NOTHING;
  const links = info.nlink ?? 1;
  const file = `${info.dev}:${info.ino}`;
  if (seen.has(file)) return NOTHING;
  seen.add(file);
  const bytes = Math.min(info.size, (info.blocks ?? Infinity) * BLOCK_BYTES);
  return { bytes, freeable: links > 1 ? 0 : bytes };
}

/** All of them together. */
export function sumOf(parts: readonly Usage[]): Usage {
  return parts.reduce(
    (sum, { bytes, freeable }) => ({
      bytes: sum.bytes + bytes,
      freeable: sum.freeable + freeable,
    }),
    NOTHING,
  );
}

/** Of the disk that a folder is on, in bytes: what this user can still write, and its size. */
export async function diskSpace(folder: string): Promise<{ free: number; size: number }> {
  try {
    const { bavail, blocks, bsize } = await statfs(folder);
    return { free: bavail * bsize, size: blocks * bsize };
  } catch (error) {
    throw storeError(`can't see how much space is left for ${folder}`, error);
  }
}

/** How much of a disk of so many bytes others' repositories leave free: 5 %, at most 1 GiB. */
export function defaultFloor(size: number): number {
  return Math.min(FLOOR_BYTES, Math.floor(size * FLOOR_SHARE));
}

const NOTHING: Usage = { bytes: 0, freeable: 0 };

async function entriesOf(folder: string): Promise<Deno.DirEntry[]> {
  try {
    return await Array.fromAsync(Deno.readDir(folder));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw storeError(`can't read ${folder}`, error);
  }
}

async function lstatIfPresent(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.lstat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined; // removed meanwhile
    throw storeError(`can't read ${path}`, error);
  }
}
