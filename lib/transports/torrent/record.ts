/**
 * What a publisher's items in the DHT say (BEP 44 values).
 *
 * - The publisher record, without salt: `{v:1, n?: display name, r: [repository names]}`.
 * - A repository's record, its name as salt: `{v:1, m, s}`, the manifest itself, compressed, and its
 *   signature; or, where that doesn't fit, `{v:1, ih, sz, ts}`: infohash, bytes and time of a one-file
 *   torrent that holds the manifest's envelope. In both, `d` is the target of the index of packs that
 *   are in the DHT too.
 *
 * @module
 */
import { deflateRawSync, inflateRawSync } from "node:zlib";
// @ts-types="../../types/bencode.d.ts"
import bencode from "bencode";
import { VerificationError } from "../../common/errors.ts";
import { repositoryNameFault } from "../../common/repository_name.ts";
import type { SignedManifest } from "../../manifest/types.ts";
import { MAX_ENVELOPE_BYTES } from "../../manifest/envelope.ts";
import { type Bencoded, BencodeError, decodeBencode } from "./bencode.ts";
import { MAX_VALUE_BYTES } from "./dht/items.ts";

/** A thousand bytes can't honestly hold more; deflate itself would allow 1 MB. */
const MAX_INLINE_MANIFEST = 64 * 1024;
const MAX_DISPLAY_NAME_BYTES = 100;
const MAX_NAMES = 1000;

/** Which repositories a publisher has. */
export interface PublisherRecord {
  /** Display name. */
  readonly name?: string;
  /** As many names as fit, sorted. A repository may exist without being listed. */
  readonly repositories: readonly string[];
}

/** The torrent that holds a manifest's envelope. */
export interface ManifestTorrent {
  /** 40 hex digits. */
  readonly infohash: string;
  /** Bytes of the envelope. */
  readonly size: number;
  /** When the manifest was made, in seconds since 1970. */
  readonly created: number;
}

/** A repository's record: the manifest, not yet verified, or where it is. */
export type RepositoryRecord =
  & {
    /** Target of the index of packs in the DHT, 20 bytes. */
    readonly packs?: Uint8Array;
  }
  & (
    | { readonly kind: "inline"; readonly bytes: Uint8Array; readonly signature: Uint8Array }
    | { readonly kind: "torrent"; readonly torrent: ManifestTorrent }
  );

/** The bencoded publisher record; names that don't fit are left out. */
export function encodePublisherRecord(record: PublisherRecord): Uint8Array {
  const names = [...record.repositories].sort();
  for (;;) {
    const value = bencode.encode({ v: 1, n: record.name || undefined, r: names });
    if (value.length <= MAX_VALUE_BYTES) return value;
    names.pop();
  }
}

/** @throws {VerificationError} "bad-record" */
export function decodePublisherRecord(value: Uint8Array): PublisherRecord {
  const fields = decodeRecord(value);
  const list = fields.get("r");
  if (!Array.isArray(list) || list.length > MAX_NAMES) throw badRecord("no list of repositories");
  const repositories = list.map((name) => {
    const repository = decodeText(name);
    if (repository === undefined || repositoryNameFault(repository)) {
      throw badRecord("a bad repository name");
    }
    return repository;
  });
  const n = fields.get("n");
  const name = n === undefined ? undefined : decodeText(n);
  if (
    n !== undefined && (name === undefined || (n as Uint8Array).length > MAX_DISPLAY_NAME_BYTES)
  ) {
    throw badRecord("a bad display name");
  }
  return { ...(name === undefined ? {} : { name }), repositories };
}

/**
 * The bencoded record that holds the manifest itself, or undefined where it doesn't fit.
 *
 * @param packs target of the index of packs in the DHT
 */
export function encodeInlineRecord(
  signed: Pick<SignedManifest, "bytes" | "signature">,
  packs?: Uint8Array,
): Uint8Array | undefined {
  if (signed.bytes.length > MAX_INLINE_MANIFEST) return undefined;
  const m = deflateRawSync(signed.bytes, { level: 9 });
  const value = bencode.encode({ v: 1, d: packs, m, s: signed.signature });
  return value.length <= MAX_VALUE_BYTES ? value : undefined;
}

/** The bencoded record that points at the torrent of the manifest's envelope. */
export function encodeTorrentRecord(torrent: ManifestTorrent, packs?: Uint8Array): Uint8Array {
  const ih = Uint8Array.fromHex(torrent.infohash);
  return bencode.encode({ v: 1, d: packs, ih, sz: torrent.size, ts: torrent.created });
}

/**
 * Reads a repository's record. The manifest in it is not verified.
 *
 * @throws {VerificationError} "bad-record"
 */
export function decodeRepositoryRecord(value: Uint8Array): RepositoryRecord {
  const fields = decodeRecord(value);
  const d = fields.get("d");
  if (d !== undefined && !isBytes(d, 20)) throw badRecord("a bad target of packs");
  const packs = d === undefined ? {} : { packs: d as Uint8Array };
  const m = fields.get("m");
  if (m !== undefined) {
    const signature = fields.get("s");
    if (!(m instanceof Uint8Array) || !isBytes(signature, 64)) throw badRecord("a bad manifest");
    return { kind: "inline", bytes: inflate(m), signature: signature as Uint8Array, ...packs };
  }
  const [ih, size, created] = ["ih", "sz", "ts"].map((key) => fields.get(key));
  if (!isBytes(ih, 20)) throw badRecord("neither a manifest nor an infohash");
  if (typeof size !== "number" || size < 1 || size > MAX_ENVELOPE_BYTES) {
    throw badRecord("a bad size");
  }
  if (typeof created !== "number" || created < 0) throw badRecord("a bad time");
  const infohash = (ih as Uint8Array).toHex();
  return { kind: "torrent", torrent: { infohash, size, created }, ...packs };
}

function decodeRecord(value: Uint8Array): Map<string, Bencoded> {
  let decoded;
  try {
    decoded = decodeBencode(value);
  } catch (cause) {
    if (!(cause instanceof BencodeError)) throw cause;
    throw badRecord("it is not bencoded", cause);
  }
  const fields = decoded.value;
  if (!(fields instanceof Map) || decoded.end !== value.length) {
    throw badRecord("it is not a dictionary");
  }
  if (fields.get("v") !== 1) throw badRecord("its version is not one that this gtr knows (1)");
  return fields;
}

function inflate(compressed: Uint8Array): Uint8Array {
  try {
    return new Uint8Array(inflateRawSync(compressed, { maxOutputLength: MAX_INLINE_MANIFEST }));
  } catch (cause) {
    throw badRecord("its manifest can't be inflated within bounds", cause);
  }
}

function isBytes(value: Bencoded | undefined, length: number): boolean {
  return value instanceof Uint8Array && value.length === length;
}

function decodeText(value: Bencoded): string | undefined {
  if (!(value instanceof Uint8Array)) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(value);
  } catch {
    return undefined;
  }
}

function badRecord(why: string, cause?: unknown): VerificationError {
  return new VerificationError("bad-record", `can't use a record of the DHT: ${why}`, { cause });
}
