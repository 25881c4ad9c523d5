/**
 * Small files kept in the DHT itself, so that they outlive every seeder for a while.
 *
 * A file is cut into immutable items of {@linkcode CHUNK_BYTES}; lists of their targets, 49 to an item,
 * are cut again until one item is left: the root. Each item is addressed by its own hash, so a file
 * that is there already is not written again, and nothing wrong can be read. The file's size, which
 * the manifest has, tells how high the tree is.
 *
 * The index of a repository lists the roots of its packs, in the manifest's order, and that of the
 * manifest's envelope where the record doesn't hold the manifest: `{v:1, m?: root, p: roots}`.
 *
 * @module
 */
import { Buffer } from "node:buffer";
// @ts-types="../../types/bencode.d.ts"
import bencode from "bencode";
import { NetworkError, VerificationError } from "../../common/errors.ts";
import type { Wait } from "../../common/wait.ts";
import { BencodeError, decodeBencode } from "./bencode.ts";
import { immutableTarget, MAX_VALUE_BYTES } from "./dht/items.ts";

const TARGET_BYTES = 20;
/** A bencoded string of 992 bytes is 996 bytes. */
const CHUNK_BYTES = MAX_VALUE_BYTES - "992:".length;
const TARGETS_PER_ITEM = Math.floor(CHUNK_BYTES / TARGET_BYTES);
/** The largest file that is looked for, whatever a record claims. */
const MAX_FILE_BYTES = 1024 * 1024;
/** Items asked for at once. */
const CONCURRENCY = 12;

/** Where items are read: the DHT. */
export interface ItemReader {
  getImmutable(target: Buffer, wait: Wait): Promise<Uint8Array | undefined>;
}

/** A file as items: what to store, and the root to find it by. */
export interface ItemTree {
  readonly root: Buffer;
  /** Bencoded values; data first, root last. */
  readonly items: readonly Uint8Array[];
}

/** What a repository's record points at. */
export interface PackIndex {
  /** Root of the manifest's envelope. */
  readonly manifest?: Uint8Array;
  /** Roots of the packs, in the manifest's order. */
  readonly packs: readonly Uint8Array[];
}

/** Cuts a file, which must not be empty, into items. */
export function itemTree(file: Uint8Array): ItemTree {
  const items: Uint8Array[] = [];
  let level = file;
  for (;;) {
    const targets: Buffer[] = [];
    for (let from = 0; from < level.length; from += chunkBytes(level === file)) {
      const item = bencode.encode(level.subarray(from, from + chunkBytes(level === file)));
      items.push(item);
      targets.push(immutableTarget(item));
    }
    if (targets.length === 1) return { root: targets[0]!, items };
    level = Buffer.concat(targets);
  }
}

function chunkBytes(data: boolean): number {
  return data ? CHUNK_BYTES : TARGETS_PER_ITEM * TARGET_BYTES;
}

/** The bencoded index, or undefined where it doesn't fit one item. */
export function encodePackIndex(index: PackIndex): Uint8Array | undefined {
  const value = bencode.encode({ v: 1, m: index.manifest, p: Buffer.concat(index.packs) });
  return value.length <= MAX_VALUE_BYTES ? value : undefined;
}

/** @throws {VerificationError} "bad-record" */
export function decodePackIndex(value: Uint8Array): PackIndex {
  const fields = decodeItem(value);
  const p = fields instanceof Map && fields.get("v") === 1 ? fields.get("p") : undefined;
  const m = fields instanceof Map ? fields.get("m") : undefined;
  const isRoot = m === undefined || (m instanceof Uint8Array && m.length === TARGET_BYTES);
  if (!(p instanceof Uint8Array) || p.length % TARGET_BYTES !== 0 || !isRoot) {
    throw badItem("it is not an index of packs");
  }
  return { ...(m === undefined ? {} : { manifest: m as Uint8Array }), packs: targetsIn(p) };
}

/**
 * Reads a file of `size` bytes from its root.
 *
 * @throws {NetworkError} "nobody-answered" where an item is not found
 * @throws {VerificationError} "bad-record" where the items don't make up such a file
 */
export async function readItemTree(
  reader: ItemReader,
  root: Uint8Array,
  size: number,
  wait: Wait,
): Promise<Uint8Array> {
  if (size < 1 || size > MAX_FILE_BYTES) throw badItem(`a file of ${size} bytes is not in the DHT`);
  // Lengths of the levels, from the file up to the root, follow from the size.
  const levels = [size];
  for (let length = size; itemsOf(levels, length) > 1;) {
    length = itemsOf(levels, length) * TARGET_BYTES;
    levels.push(length);
  }
  let content: Uint8Array = root;
  for (const [above, length] of levels.reverse().entries()) {
    content = await readItems(reader, targetsIn(content), wait, size);
    if (content.length !== length) {
      throw badItem(`level ${above} has another length than its file's size needs`);
    }
  }
  return content;
}

/** How many items the last level of `levels`, of `length` bytes, is cut into. */
function itemsOf(levels: readonly number[], length: number): number {
  return Math.ceil(length / chunkBytes(levels.length === 1));
}

async function readItems(
  reader: ItemReader,
  targets: readonly Uint8Array[],
  wait: Wait,
  size: number,
): Promise<Uint8Array> {
  const stop = new AbortController();
  const signal = AbortSignal.any([wait.signal, stop.signal]);
  const parts: Uint8Array[] = new Array(targets.length);
  let next = 0;
  let done = 0;
  const worker = async () => {
    while (next < targets.length) {
      const mine = next++;
      const item = await reader.getImmutable(Buffer.from(targets[mine]!), { signal });
      if (!item) {
        throw new NetworkError(
          "nobody-answered",
          "can't read a file from the DHT: a part of it is gone",
        );
      }
      const data = decodeItem(item);
      if (!(data instanceof Uint8Array)) throw badItem("it is not a byte string");
      parts[mine] = data;
      done += data.length;
      wait.progress?.(Math.min(done, size), size, "DHT");
    }
  };
  try {
    await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  } finally {
    stop.abort();
  }
  return Buffer.concat(parts);
}

function targetsIn(list: Uint8Array): Uint8Array[] {
  if (list.length % TARGET_BYTES !== 0) throw badItem("it is not a list of targets");
  return Array.from(
    { length: list.length / TARGET_BYTES },
    (_, i) => list.subarray(i * TARGET_BYTES, (i + 1) * TARGET_BYTES),
  );
}

function decodeItem(item: Uint8Array) {
  try {
    return decodeBencode(item).value;
  } catch (cause) {
    if (cause instanceof BencodeError) throw badItem("it is not bencoded", cause);
    throw cause;
  }
}

function badItem(why: string, cause?: unknown): VerificationError {
  return new VerificationError("bad-record", `can't use an item of the DHT: ${why}`, { cause });
}
