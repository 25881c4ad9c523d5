/**
 * Copying a pack between a bundle and a file of its own.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { VerificationError } from "../common/errors.ts";
import type { PackRef } from "../manifest/types.ts";
import { CHUNK_BYTES } from "./intake.ts";

/** An open file, as far as copying needs it. */
interface Readable {
  read(buffer: Uint8Array): Promise<number | null>;
}
interface Writable {
  write(bytes: Uint8Array): Promise<number>;
}

/**
 * Copies the bytes of one pack, one reused buffer at a time, and checks them on the way.
 *
 * @param moved told how many bytes more were copied
 * @throws {VerificationError} "wrong-pack" if the bytes are too few or others
 */
export async function copyPack(
  pack: PackRef,
  from: Readable,
  to: Writable,
  signal: AbortSignal,
  moved: (bytes: number) => void = () => {},
): Promise<void> {
  const buffer = new Uint8Array(CHUNK_BYTES);
  const hash = createHash("sha256");
  for (let left = pack.size; left > 0;) {
    signal.throwIfAborted();
    const n = await from.read(buffer.subarray(0, Math.min(left, buffer.length)));
    if (n === null) throw wrongPack(pack, `it ends ${left} bytes early`);
    const bytes = buffer.subarray(0, n);
    hash.update(bytes);
    await writeAll(to, bytes);
    left -= n;
    moved(n);
  }
  const sha256 = hash.digest("hex");
  if (sha256 !== pack.sha256) throw wrongPack(pack, `its SHA-256 is ${sha256}`);
}

/** Writes all bytes, however many are taken at a time. */
export async function writeAll(to: Writable, bytes: Uint8Array): Promise<void> {
  for (let left = bytes; left.length > 0;) left = left.subarray(await to.write(left));
}

function wrongPack({ sha256 }: PackRef, why: string): VerificationError {
  return new VerificationError("wrong-pack", `pack ${sha256} is damaged: ${why}`);
}
