import fc from "fast-check";
// @ts-types="../../../lib/types/bencode.d.ts"
import bencode from "bencode";
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  infohashOf,
  magnetLink,
  PackHasher,
  packInfo,
  pieceLength,
  torrentName,
} from "../../../lib/manifest/pack_torrent.ts";

const KIB = 1024;
const sha1 = (data: Uint8Array) => createHash("sha1").update(data).digest();
const sha256 = (data: Uint8Array) => createHash("sha256").update(data).digest("hex");

/** Bytes that depend on their length only. */
function sample(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8)) & 0xff);
}

function hashed(data: Uint8Array, chunk = data.length || 1) {
  const hasher = new PackHasher(data.length);
  for (let at = 0; at < data.length; at += chunk) hasher.update(data.subarray(at, at + chunk));
  return hasher.digest();
}

Deno.test("pieceLength is the smallest power of two for at most 256 pieces", () => {
  assert.equal(pieceLength(0), 16 * KIB);
  assert.equal(pieceLength(16 * KIB * 256), 16 * KIB);
  assert.equal(pieceLength(16 * KIB * 256 + 1), 32 * KIB);
  assert.equal(pieceLength(4096 * KIB * 256), 4096 * KIB);
  assert.equal(pieceLength(Number.MAX_SAFE_INTEGER), 4096 * KIB);
  fc.assert(fc.property(fc.maxSafeNat(), (size) => {
    const length = pieceLength(size);
    assert.ok(Number.isInteger(Math.log2(length)));
    assert.ok(length === 4096 * KIB || size / length <= 256);
    assert.ok(length === 16 * KIB || size / (length / 2) > 256);
  }));
});

Deno.test("the info dictionary is what the bencode package writes", () => {
  const data = sample(100_000);
  const hashes = hashed(data);
  const pieces = Array.from(
    { length: 7 },
    (_, i) => sha1(data.subarray(i * 16 * KIB, (i + 1) * 16 * KIB)),
  );
  const info = bencode.encode({
    length: data.length,
    name: `${sha256(data)}.pack`,
    "piece length": 16 * KIB,
    pieces: new Uint8Array(pieces.flatMap((hash) => [...hash])),
  });
  assert.deepEqual(packInfo(hashes.sha256, data.length, hashes.pieces), new Uint8Array(info));
  assert.equal(hashes.sha256, sha256(data));
  assert.equal(hashes.infohash, sha1(info).toString("hex"));
  assert.equal(hashes.infohash, infohashOf(info));
});

Deno.test("PackHasher gives the same for any cut of the bytes", () => {
  const data = sample(50_001);
  const whole = hashed(data);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 60_000 }), (chunk) => {
      assert.deepEqual(hashed(data, chunk), whole);
    }),
    { numRuns: 30 },
  );
});

Deno.test("PackHasher ends pieces where they end", () => {
  for (const length of [0, 1, 16 * KIB - 1, 16 * KIB, 16 * KIB + 1, 32 * KIB]) {
    const { pieces } = hashed(sample(length), 5_000);
    assert.equal(pieces.length, 20 * Math.ceil(length / (16 * KIB)));
  }
});

Deno.test("PackHasher refuses more and fewer bytes than announced", () => {
  const hasher = new PackHasher(10);
  hasher.update(sample(8));
  assert.throws(() => hasher.update(sample(3)), { name: "VerificationError", code: "wrong-pack" });
  assert.throws(() => hasher.digest(), { name: "VerificationError", code: "wrong-pack" });
});

Deno.test("PackHasher takes no memory for a size that is only claimed", () => {
  assert.throws(() => new PackHasher(Number.MAX_SAFE_INTEGER).digest(), { code: "wrong-pack" });
});

Deno.test("magnetLink names the infohash, the file and its length", () => {
  const pack = { sha256: "ab".repeat(32), infohash: "cd".repeat(20), size: 123 };
  const query = new URL(magnetLink(pack)).searchParams;
  assert.equal(query.get("xt"), `urn:btih:${pack.infohash}`);
  assert.equal(query.get("dn"), torrentName(pack.sha256));
  assert.equal(query.get("xl"), "123");
});
