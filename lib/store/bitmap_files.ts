/**
 * The bitmap index of a stored repository, as it lies beside its packs.
 *
 * @module
 */
import { join } from "node:path";
import { readAt } from "../common/read_at.ts";
import { MAX_PACKS } from "../manifest/schema.ts";
import type { RepoPaths } from "./repo_paths.ts";

/** How the names of all its files begin; the main one is called no more than this. */
export const MULTI_PACK_INDEX = "multi-pack-index";

/** The names of the packs are in the first bytes of the main file, behind less than 1 KiB. */
const NAMES_BYTES = 1024 + MAX_PACKS * `pack-${"0".repeat(64)}.idx\0`.length;
/** By the byte of the header that says which ids objects have: SHA-1 or SHA-256. */
const CHECKSUM_BYTES = [0, 20, 32];

/** A bitmap index that is there. */
export interface PresentBitmap {
  /** SHA-256 of the packs that it is of. */
  readonly packs: readonly string[];
  /** The names that its files may have. */
  readonly files: readonly string[];
}

/** Which packs the bitmap index is of; undefined if there is none. */
export async function presentBitmap(paths: RepoPaths): Promise<PresentBitmap | undefined> {
  try {
    using file = await Deno.open(join(paths.packs, MULTI_PACK_INDEX));
    const start = await readAt(file, 0, NAMES_BYTES);
    const names = new TextDecoder("latin1").decode(start);
    const packs = [...names.matchAll(/pack-([0-9a-f]{64})\.idx\0/g)].map(([, sha256]) => sha256!);
    const length = CHECKSUM_BYTES[start[5] ?? 0] ?? 0;
    const checksum = (await readAt(file, (await file.stat()).size - length, length)).toHex();
    const beside = ["bitmap", "rev"].map((kind) => `${MULTI_PACK_INDEX}-${checksum}.${kind}`);
    return { packs, files: [MULTI_PACK_INDEX, ...beside] };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
