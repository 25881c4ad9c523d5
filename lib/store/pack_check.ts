/**
 * Comparing a pack file with what a manifest says of it.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { storeError } from "../common/atomic_file.ts";
import { VerificationError } from "../common/errors.ts";
import { objectCount } from "../git_interface/pack_file.ts";
import type { PackRef } from "../manifest/types.ts";
import { CHUNK_BYTES } from "./intake.ts";

/**
 * Checks that a file is the pack that a manifest lists: size, number of objects, SHA-256.
 *
 * @throws {VerificationError} "wrong-pack", or "bad-pack" if the file is no pack
 */
export async function checkPackFile(
  path: string,
  pack: PackRef,
  signal?: AbortSignal,
): Promise<void> {
  const { size } = await stat(path);
  if (size !== pack.size) throw wrongPack(path, `${size} bytes instead of ${pack.size}`);
  const { sha256, header } = await hashPackFile(path, signal);
  if (sha256 !== pack.sha256) throw wrongPack(path, `SHA-256 ${sha256} instead of ${pack.sha256}`);
  const objects = objectCount(header, path);
  if (objects !== pack.objects) {
    throw wrongPack(path, `${objects} objects instead of ${pack.objects}`);
  }
}

/** The SHA-256 of a file in hex, and its first bytes. */
async function hashPackFile(
  path: string,
  signal?: AbortSignal,
): Promise<{ readonly sha256: string; readonly header: Uint8Array }> {
  const hash = createHash("sha256");
  const header = await readThrough(path, (chunk) => hash.update(chunk), signal);
  return { sha256: hash.digest("hex"), header };
}

/** Reads a file to its end, one reused buffer at a time; returns its first bytes. */
async function readThrough(
  path: string,
  take: (chunk: Uint8Array) => void,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  using file = await Deno.open(path);
  const buffer = new Uint8Array(CHUNK_BYTES);
  let header: Uint8Array | undefined;
  for (let n = await file.read(buffer); n !== null; n = await file.read(buffer)) {
    signal?.throwIfAborted();
    header ??= buffer.slice(0, Math.min(n, 12));
    take(buffer.subarray(0, n));
  }
  return header ?? new Uint8Array();
}

async function stat(path: string): Promise<Deno.FileInfo> {
  try {
    return await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw wrongPack(path, "there is no such file");
    throw storeError(`can't read ${path}`, error);
  }
}

function wrongPack(path: string, why: string): VerificationError {
  return new VerificationError("wrong-pack", `can't use ${path}: ${why}`, {
    hint: "run it again; it will be fetched anew",
  });
}
