/**
 * Small files kept in the DHT itself, so that they outlive every seeder for a while.
 *
 * A file is a tree of immutable items of 992 bytes, with 49 targets in a node. A file that is there
 * already is not written again. The manifest has its size.
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
import { getTree, putTree } from "../shared/item_tree.ts";
import { BencodeError, decodeBencode } from "./bencode.ts";
import { immutableTarget, MAX_VALUE_BYTES } from "./dht/items.ts";

const TARGET_BYTES = 20;
/** A bencoded string of 992 bytes is 996 bytes. */
const FORM = { itemBytes: MAX_VALUE_BYTES - "992:".length, hashBytes: TARGET_BYTES, atOnce: 12 };
/** The largest file that is looked for, whatever a record claims. */
const MAX_FILE_BYTES = 1024 * 1024;

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
export async function itemTree(file: Uint8Array): Promise<ItemTree> {
  const items: Uint8Array[] = [];
  const root = await putTree(file, FORM, (part) => {
    const item = bencode.encode(part);
    items.push(item);
    return Promise.resolve(immutableTarget(item));
  });
  return { root, items };
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
  const stop = new AbortController();
  const signal = AbortSignal.any([wait.signal, stop.signal]);
  let done = 0;
  try {
    const file = await getTree({ hash: root, size }, MAX_FILE_BYTES, FORM, async (target) => {
      const item = await reader.getImmutable(target, { signal });
      if (!item) return undefined;
      const data = decodeItem(item);
      if (!(data instanceof Uint8Array)) throw badItem("it is not a byte string");
      done += data.length;
      wait.progress?.(Math.min(done, size), size, "DHT");
      return data;
    });
    if (file) return file;
  } finally {
    stop.abort();
  }
  throw new NetworkError(
    "nobody-answered",
    "can't read a file from the DHT: a part of it is gone",
  );
}

function targetsIn(list: Uint8Array): Uint8Array[] {
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
