/**
 * Describing a pack file for a manifest.
 *
 * @module
 */
import { open } from "node:fs/promises";
import type { Wait } from "../common/wait.ts";
import { PackHasher } from "../manifest/pack_torrent.ts";
import type { PackRef } from "../manifest/types.ts";
import { CHUNK_BYTES } from "./intake.ts";

/** Reads the file once, for its SHA-256 and its infohash together. */
export async function describePack(
  path: string,
  objects: number,
  tips: readonly string[],
  wait: Wait,
): Promise<PackRef> {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    const hasher = new PackHasher(size);
    const buffer = new Uint8Array(CHUNK_BYTES);
    for (let done = 0; done < size;) {
      wait.signal.throwIfAborted();
      const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES, done);
      if (bytesRead === 0) throw new Error(`${path} became shorter while it was read`);
      hasher.update(buffer.subarray(0, bytesRead));
      done += bytesRead;
      wait.progress?.(done, size, "hashing");
    }
    const { sha256, infohash } = hasher.digest();
    return { sha256, size, infohash, objects, tips: [...tips] };
  } finally {
    await file.close();
  }
}
