/**
 * Content of any size as immutable items of HyperDHT: leaves, and above them nodes that are the hashes
 * (BLAKE2b-256) of what is below, up to one root.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import * as v from "valibot";
import { VerificationError } from "../../common/errors.ts";

/** Bytes of an item: with its header it stays in one packet. */
const ITEM_BYTES = 896;
const HASH_BYTES = 32;
const FAN = ITEM_BYTES / HASH_BYTES;
/** Items that are put or got at once. */
const AT_ONCE = 8;

/** Content that is in the DHT. */
export const TreeRoot = v.object({
  /** Of the root item, 64 hex digits. */
  hash: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  /** Bytes of the content. */
  size: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
});
/** Content that is in the DHT. */
export type TreeRoot = v.InferOutput<typeof TreeRoot>;

/** Puts an item and returns its hash. */
export type PutItem = (value: Buffer) => Promise<Buffer>;
/** Gets an item whose hash is right; undefined where nobody has it. */
export type GetItem = (hash: Buffer) => Promise<Buffer | undefined>;

/** Puts all items of the content, which isn't empty. */
export async function putTree(content: Uint8Array, put: PutItem): Promise<TreeRoot> {
  let items = split(Buffer.from(content.buffer, content.byteOffset, content.length));
  for (;;) {
    const hashes = await someAtOnce(items, put);
    if (hashes.length === 1) return { hash: hashes[0]!.toString("hex"), size: content.length };
    items = split(Buffer.concat(hashes));
  }
}

/**
 * The content of a tree; undefined where a part of it is missing.
 *
 * @throws {VerificationError} "bad-record" where the size is more than `most`, or isn't the content's
 */
export async function getTree(
  { hash, size }: TreeRoot,
  most: number,
  get: GetItem,
): Promise<Buffer | undefined> {
  if (size > most) throw badTree("it is too large");
  let levels = 0;
  for (let count = Math.ceil(size / ITEM_BYTES); count > 1; count = Math.ceil(count / FAN)) {
    levels++;
  }
  let hashes = [Buffer.from(hash, "hex")];
  for (let level = levels;; level--) {
    const items = await someAtOnce(hashes, get);
    if (items.some((item) => item === undefined)) return undefined;
    const all = Buffer.concat(items as Buffer[]);
    const expected = level === 0 ? size : HASH_BYTES * Math.ceil(size / itemSpan(level - 1));
    if (all.length !== expected) throw badTree("its parts are of other sizes");
    if (level === 0) return all;
    hashes = Array.from(
      { length: all.length / HASH_BYTES },
      (_, i) => all.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES),
    );
  }
}

/** Bytes of content below an item of this level; leaves are level 0. */
function itemSpan(level: number): number {
  return ITEM_BYTES * FAN ** level;
}

function split(content: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  for (let from = 0; from < content.length; from += ITEM_BYTES) {
    parts.push(content.subarray(from, from + ITEM_BYTES));
  }
  return parts;
}

/** Maps in order, a few at once. */
async function someAtOnce<T, R>(items: readonly T[], run: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = new Array(items.length);
  let next = 0;
  const work = async () => {
    for (let i = next++; i < items.length; i = next++) results[i] = await run(items[i]!);
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, work));
  return results;
}

function badTree(why: string): VerificationError {
  return new VerificationError("bad-record", `can't use what HyperDHT holds: ${why}`);
}
