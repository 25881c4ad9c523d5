/**
 * The first and last bytes of a pack file (gitformat-pack).
 *
 * @module
 */
import { VerificationError } from "../common/errors.ts";
import { readAt } from "../common/read_at.ts";

const HEADER_BYTES = 12;
/** Bytes of a SHA-1 and of a SHA-256 trailer. */
const TRAILER_BYTES = [20, 32] as const;

/**
 * The number of objects that a pack says it holds.
 *
 * @throws {VerificationError} "bad-pack" where the file is not a pack
 */
export async function packObjectCount(path: string): Promise<number> {
  using file = await Deno.open(path);
  return objectCount(await readAt(file, 0, HEADER_BYTES), path);
}

/** The same, from the first bytes of the pack. */
export function objectCount(header: Uint8Array, path: string): number {
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  const whole = header.byteLength >= HEADER_BYTES;
  if (!whole || view.getUint32(0) !== 0x5041434b || ![2, 3].includes(view.getUint32(4))) {
    throw new VerificationError("bad-pack", `can't use ${path}: it is not a git pack`);
  }
  return view.getUint32(8);
}

/**
 * The checksum at a pack's end, in hex: what git names the file by. Its length tells SHA-1 from
 * SHA-256; an index ends with the same checksum followed by its own, which also shows that the two
 * files belong together.
 *
 * @throws {VerificationError} "bad-pack" where they don't
 */
export async function packTrailer(pack: string, idx: string): Promise<string> {
  using packFile = await Deno.open(pack);
  using idxFile = await Deno.open(idx);
  const [packSize, idxSize] = [(await packFile.stat()).size, (await idxFile.stat()).size];
  for (const bytes of TRAILER_BYTES) {
    const trailer = hex(await readAt(packFile, packSize - bytes, bytes));
    const indexed = hex(await readAt(idxFile, idxSize - 2 * bytes, bytes));
    if (trailer.length === 2 * bytes && trailer === indexed) return trailer;
  }
  throw new VerificationError("bad-pack", `can't use ${pack}: its index is of another pack`);
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
}
