/** Items of BEP 44: what a lying node may answer, and the bounds. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
// @ts-types="../../../../../lib/types/bencode.d.ts"
import bencode from "bencode";
import { keyFromSeed } from "../../../../../lib/identity/keys.ts";
import {
  decodeItem,
  encodeItem,
  immutableFromReply,
  immutableTarget,
  MAX_VALUE_BYTES,
  mutableFromReply,
  type MutableItem,
  mutableTarget,
  signItem,
  verifyItem,
} from "../../../../../lib/transports/torrent/dht/items.ts";

const key = keyFromSeed(new Uint8Array(32).fill(1));
const other = keyFromSeed(new Uint8Array(32).fill(2));
const salt = Buffer.from("hello");
const sha1 = (...parts: Uint8Array[]) => createHash("sha1").update(Buffer.concat(parts)).digest();

const itemOf = (seq: number, text: string, changes: { salt?: Uint8Array } = { salt }) =>
  signItem(key, { ...changes, seq, value: bencode.encode(text) });

/** Signed by hand, so that limits of what we sign ourselves don't matter. */
function handSigned(salt: Uint8Array | undefined, seq: number, value: Uint8Array): MutableItem {
  const head = salt ? [Buffer.from(`4:salt${salt.length}:`), salt] : [];
  const bytes = Buffer.concat([...head, Buffer.from(`3:seqi${seq}e1:v`), value]);
  const signature = key.sign(salt ? "dhtItem" : "dhtRecord", bytes);
  return { publicKey: key.publicKey, salt, seq, value, signature };
}

/** What a node says of an item in its reply to `get`. */
const replyOf = (item: MutableItem): Record<string, unknown> => ({
  k: item.publicKey,
  sig: item.signature,
  seq: item.seq,
  v: bencode.decode(Buffer.from(item.value)),
});

Deno.test("items: targets are the SHA-1 of the key and the salt, or of the value", () => {
  assert.deepEqual(mutableTarget({ publicKey: key.publicKey }), sha1(key.publicKey));
  assert.deepEqual(mutableTarget({ publicKey: key.publicKey, salt }), sha1(key.publicKey, salt));
  assert.deepEqual(immutableTarget(salt), sha1(salt));
});

Deno.test("items: the bytes that are signed are those of BEP 44", () => {
  for (const [one, seq] of [[salt, 4], [undefined, 0]] as const) {
    const value = bencode.encode("Hello World!");
    const { signature } = signItem(key, { salt: one, seq, value });
    assert.deepEqual(signature, handSigned(one, seq, value).signature);
  }
  const bare = signItem(key, { salt: new Uint8Array(), seq: 1, value: bencode.encode("a") });
  assert.deepEqual(bare.signature, handSigned(undefined, 1, bencode.encode("a")).signature);
});

Deno.test("items: values of 996 bytes are signed, of others up to 1000 are believed", () => {
  const value = (bytes: number) => Buffer.from(`${bytes - 4}:${"x".repeat(bytes - 4)}`);
  assert.equal(MAX_VALUE_BYTES, 996);
  assert.ok(verifyItem(signItem(key, { seq: 1, value: value(996) })));
  assert.throws(() => signItem(key, { seq: 1, value: value(997) }), RangeError);
  assert.ok(verifyItem(handSigned(undefined, 1, value(1000))));
  assert.ok(!verifyItem(handSigned(undefined, 1, value(1001))));
});

Deno.test("items: salts have up to 64 bytes, sequence numbers are whole and not negative", () => {
  const value = bencode.encode("a");
  assert.ok(verifyItem(handSigned(new Uint8Array(64), 1, value)));
  assert.ok(!verifyItem(handSigned(new Uint8Array(65), 1, value)));
  assert.ok(verifyItem(handSigned(salt, 0, value)));
  assert.ok(verifyItem(handSigned(salt, Number.MAX_SAFE_INTEGER, value)));
  for (const seq of [-1, 1.5, 2 ** 53, NaN]) assert.ok(!verifyItem(handSigned(salt, seq, value)));
});

Deno.test("items: a reply with another key's item, or another salt's, is not the target's", () => {
  const target = mutableTarget({ publicKey: key.publicKey, salt });
  const right = itemOf(3, "a");
  assert.deepEqual(mutableFromReply(replyOf(right), target, salt)?.value, right.value);
  // Each is signed correctly, but answers another question.
  const theirs = signItem(other, { salt, seq: 9, value: bencode.encode("a") });
  assert.equal(mutableFromReply(replyOf(theirs), target, salt), undefined);
  const elsewhere = itemOf(9, "a", { salt: Buffer.from("other") });
  assert.equal(mutableFromReply(replyOf(elsewhere), target, salt), undefined);
  assert.equal(mutableFromReply(replyOf(elsewhere), target, Buffer.from("other")), undefined);
});

Deno.test("items: a reply whose parts don't belong together is not believed", () => {
  const target = mutableTarget({ publicKey: key.publicKey, salt });
  const reply = replyOf(itemOf(3, "a"));
  for (
    const change of [
      { seq: 4 },
      { seq: "3" },
      { seq: undefined },
      { v: Buffer.from("b") },
      { v: undefined },
      { sig: undefined },
      { sig: "x".repeat(64) },
      { sig: new Uint8Array(64) },
      { k: undefined },
      { k: key.publicKeyHex },
      { k: other.publicKey },
    ]
  ) assert.equal(mutableFromReply({ ...reply, ...change }, target, salt), undefined);
  const zero = replyOf(itemOf(0, "a"));
  assert.equal(mutableFromReply({ ...zero, seq: undefined }, target, salt)?.seq, 0);
});

Deno.test("items: an immutable value is what its target says", () => {
  const target = immutableTarget(bencode.encode("a"));
  assert.deepEqual(immutableFromReply({ v: Buffer.from("a") }, target), bencode.encode("a"));
  assert.equal(immutableFromReply({ v: Buffer.from("b") }, target), undefined);
  assert.equal(immutableFromReply({}, target), undefined);
});

Deno.test("items: a file is the item again, or nothing where anything in it is wrong", () => {
  for (const item of [itemOf(3, "a"), itemOf(0, "b", {})]) {
    const read = decodeItem(encodeItem(item));
    assert.ok(read && verifyItem(read));
    assert.equal(read.seq, item.seq);
    assert.deepEqual([read.value, read.salt?.length], [item.value, item.salt?.length]);
    assert.deepEqual(mutableTarget(read), mutableTarget(item));
  }
  const { publicKey, signature, seq, value } = itemOf(3, "a");
  const fields = { k: publicKey, salt, seq, sig: signature, v: value };
  assert.ok(decodeItem(bencode.encode(fields)));
  for (
    const change of [
      { k: 1 },
      { salt: 1 },
      { seq: "3" },
      { sig: 1 },
      { v: 1 },
      { seq: 4 },
      { v: bencode.encode("b") },
      { salt: Buffer.from("other") },
    ]
  ) assert.equal(decodeItem(bencode.encode({ ...fields, ...change })), undefined);
  for (const text of ["", "i1e", "le", "d1:k", "de", "nonsense"]) {
    assert.equal(decodeItem(Buffer.from(text)), undefined);
  }
});
