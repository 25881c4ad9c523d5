/** Items of the DHT (BEP 44), and the records in them. */
import assert from "node:assert/strict";
// @ts-types="../../../lib/types/bencode.d.ts"
import bencode from "bencode";
import { keyFromSeed } from "../../../lib/identity/keys.ts";
import { bencodedLength } from "../../../lib/transports/torrent/bencode.ts";
import {
  decodeItem,
  encodeItem,
  immutableFromReply,
  immutableTarget,
  MAX_VALUE_BYTES,
  mutableFromReply,
  mutableTarget,
  signItem,
} from "../../../lib/transports/torrent/dht/items.ts";
import { decodePackIndex, encodePackIndex } from "../../../lib/transports/torrent/dht_packs.ts";
import {
  decodePublisherRecord,
  decodeRepositoryRecord,
  encodeInlineRecord,
  encodePublisherRecord,
  encodeTorrentRecord,
} from "../../../lib/transports/torrent/record.ts";
import { accepted, simple, type Target } from "../target.ts";

const KEY = keyFromSeed(new Uint8Array(32).fill(1));
const MAX_INLINE = 64 * 1024;

export const make = (): Target =>
  simple({
    form: "bencode",
    maxBytes: 4096,
    check,
  });

function check(input: Uint8Array): boolean {
  const item = decodeItem(input);
  if (item) assert.deepEqual(bytesOf(decodeItem(encodeItem(item))), bytesOf(item));
  if (input.length <= MAX_VALUE_BYTES) {
    const signed = signItem(KEY, {
      salt: input.subarray(0, input.length % 65),
      seq: 1,
      value: input,
    });
    const kept = decodeItem(encodeItem(signed));
    assert.deepEqual(kept?.value, input);
  }
  reply(input);
  return [publisher(input), repository(input), index(input)].some((right) => right) || !!item;
}

/** An answer of a node, as the package decodes it: only what was found to be bencoded. */
function reply(input: Uint8Array): void {
  if (bencodedLength(input) !== input.length) return;
  let decoded: unknown;
  try {
    decoded = bencode.decode(input);
  } catch {
    return; // the package counts it as a bad message
  }
  if (typeof decoded !== "object" || decoded === null || Array.isArray(decoded)) return;
  const r = decoded as Record<string, unknown>;
  const publicKey = r.k instanceof Uint8Array ? r.k : new Uint8Array(32);
  const found = mutableFromReply(r, mutableTarget({ publicKey }), undefined);
  if (found) assert.ok(found.value.length <= 1000 && found.seq >= 0);
  const target = immutableTarget(new Uint8Array([0x30, 0x3a]));
  const value = immutableFromReply(r, target);
  if (value) assert.ok(immutableTarget(value).equals(target));
}

function publisher(input: Uint8Array): boolean {
  const record = accepted(() => decodePublisherRecord(input));
  if (!record) return false;
  const written = decodePublisherRecord(encodePublisherRecord(record));
  assert.equal(written.name, record.name || undefined);
  const sorted = [...record.repositories].sort();
  assert.deepEqual(written.repositories, sorted.slice(0, written.repositories.length));
  return true;
}

function repository(input: Uint8Array): boolean {
  const record = accepted(() => decodeRepositoryRecord(input));
  if (!record) return false;
  if (record.kind === "torrent") {
    const written = encodeTorrentRecord(record.torrent, record.packs);
    assert.deepEqual(bytesOf(decodeRepositoryRecord(written)), bytesOf(record));
    return true;
  }
  assert.ok(record.bytes.length <= MAX_INLINE, "an inflated manifest");
  const written = encodeInlineRecord(record, record.packs);
  if (written) assert.deepEqual(bytesOf(decodeRepositoryRecord(written)), bytesOf(record));
  return true;
}

function index(input: Uint8Array): boolean {
  const read = accepted(() => decodePackIndex(input));
  const written = read && encodePackIndex(read);
  if (written) assert.deepEqual(bytesOf(decodePackIndex(written)), bytesOf(read));
  return read !== undefined;
}

/** Buffers and arrays alike. */
function bytesOf(value: unknown): string {
  return JSON.stringify(value, (_, part) => part?.type === "Buffer" ? part.data : part)
    .replaceAll(
      /\{("\d+":\d+,?)+\}/g,
      (object) => JSON.stringify(Object.values(JSON.parse(object))),
    );
}
