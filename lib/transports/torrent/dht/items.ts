/**
 * Items of the DHT (BEP 44): targets, signatures, and the form in which they are kept in files.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
// @ts-types="../../../types/bencode.d.ts"
import bencode from "bencode";
import { type PublisherKey, verifySignature } from "../../../identity/keys.ts";
import { BencodeError, decodeBencode } from "../bencode.ts";

/** The longest bencoded value, in bytes, that every known implementation stores. */
export const MAX_VALUE_BYTES = 996;
/** BEP 44's own limits. */
const MAX_FOREIGN_VALUE_BYTES = 1000;
const MAX_SALT_BYTES = 64;

/** A mutable item. */
export interface MutableItem {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** At most 64 bytes. */
  readonly salt?: Uint8Array;
  readonly seq: number;
  /** Bencoded, exactly as it was signed. */
  readonly value: Uint8Array;
  /** 64 bytes. */
  readonly signature: Uint8Array;
}

/** What a mutable item is looked up by. */
export type MutableName = Pick<MutableItem, "publicKey" | "salt">;

/** Where a mutable item is stored: SHA-1 of the key and the salt. */
export function mutableTarget(name: MutableName): Buffer {
  const hash = createHash("sha1").update(name.publicKey);
  if (name.salt) hash.update(name.salt);
  return hash.digest();
}

/** Where an immutable item is stored: SHA-1 of its bencoded value. */
export function immutableTarget(value: Uint8Array): Buffer {
  return createHash("sha1").update(value).digest();
}

/** Signs a value of at most {@linkcode MAX_VALUE_BYTES} bencoded bytes. */
export function signItem(
  key: PublisherKey,
  item: Pick<MutableItem, "salt" | "seq" | "value">,
): MutableItem {
  if (item.value.length > MAX_VALUE_BYTES) {
    throw new RangeError(`a value of ${item.value.length} bytes does not fit an item`);
  }
  const signature = key.sign(item.salt?.length ? "dhtItem" : "dhtRecord", signedBytes(item));
  return { ...item, publicKey: key.publicKey, signature };
}

/** Whether sizes are within BEP 44's limits and the signature is right. */
export function verifyItem(item: MutableItem): boolean {
  return item.value.length <= MAX_FOREIGN_VALUE_BYTES &&
    (item.salt?.length ?? 0) <= MAX_SALT_BYTES &&
    Number.isSafeInteger(item.seq) && item.seq >= 0 &&
    verifySignature(item.publicKey, signedBytes(item), item.signature);
}

function signedBytes(item: Pick<MutableItem, "salt" | "seq" | "value">): Uint8Array {
  const salt = item.salt?.length
    ? [Buffer.from(`4:salt${item.salt.length}:`), Buffer.from(item.salt)]
    : [];
  return Buffer.concat([...salt, Buffer.from(`3:seqi${item.seq}e1:v`), item.value]);
}

/** The bytes of a file that keeps an item. */
export function encodeItem(item: MutableItem): Uint8Array {
  return bencode.encode({
    k: item.publicKey,
    salt: item.salt,
    seq: item.seq,
    sig: item.signature,
    v: item.value,
  });
}

/** The item in a file, or undefined where it is damaged or its signature wrong. */
export function decodeItem(file: Uint8Array): MutableItem | undefined {
  try {
    const { value: fields } = decodeBencode(file);
    if (!(fields instanceof Map)) return undefined;
    const publicKey = fields.get("k");
    const salt = fields.get("salt");
    const seq = fields.get("seq");
    const signature = fields.get("sig");
    const value = fields.get("v");
    if (
      !(publicKey instanceof Uint8Array) || !(signature instanceof Uint8Array) ||
      !(value instanceof Uint8Array) || typeof seq !== "number" ||
      (salt !== undefined && !(salt instanceof Uint8Array))
    ) return undefined;
    const item = { publicKey, salt, seq, value, signature };
    return verifyItem(item) ? item : undefined;
  } catch (error) {
    if (error instanceof BencodeError) return undefined;
    throw error;
  }
}

/** The item of `target` in the `r` of a reply to `get`, or undefined where it holds no right one. */
export function mutableFromReply(
  r: Record<string, unknown>,
  target: Buffer,
  salt: Uint8Array | undefined,
): MutableItem | undefined {
  if (!(r.k instanceof Uint8Array) || !(r.sig instanceof Uint8Array) || r.v === undefined) {
    return undefined;
  }
  const item = {
    publicKey: r.k,
    salt,
    seq: typeof r.seq === "number" ? r.seq : 0,
    value: bencode.encode(r.v),
    signature: r.sig,
  };
  return mutableTarget(item).equals(target) && verifyItem(item) ? item : undefined;
}

/** The bencoded immutable value of `target` in the `r` of a reply to `get`, if it is there. */
export function immutableFromReply(
  r: Record<string, unknown>,
  target: Buffer,
): Uint8Array | undefined {
  if (r.v === undefined) return undefined;
  const value = bencode.encode(r.v);
  return immutableTarget(value).equals(target) ? value : undefined;
}
