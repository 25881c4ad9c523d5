import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { deflateRawSync } from "node:zlib";
// @ts-types="../../../../lib/types/bencode.d.ts"
import bencode from "bencode";
import fc from "fast-check";
import { VerificationError } from "../../../../lib/common/errors.ts";
import {
  decodePublisherRecord,
  decodeRepositoryRecord,
  encodeInlineRecord,
  encodePublisherRecord,
  encodeTorrentRecord,
} from "../../../../lib/transports/torrent/record.ts";

const MAX = 996;
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const names = fc.uniqueArray(fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,30}$/), { maxLength: 200 });

function isBadRecord(error: unknown): boolean {
  return error instanceof VerificationError && error.code === "bad-record";
}

Deno.test("publisher record: what goes in comes out, sorted, as far as it fits", () => {
  fc.assert(fc.property(names, fc.option(fc.string({ maxLength: 25 })), (repositories, name) => {
    const value = encodePublisherRecord({ repositories, name: name ?? undefined });
    assert.ok(value.length <= MAX);
    const decoded = decodePublisherRecord(value);
    assert.equal(decoded.name, name?.toWellFormed() || undefined);
    assert.deepEqual(
      decoded.repositories,
      repositories.toSorted().slice(0, decoded.repositories.length),
    );
    if (repositories.join("").length < 400) {
      assert.equal(decoded.repositories.length, repositories.length);
    }
  }));
});

Deno.test("publisher record: what just fits is listed, and no name less", () => {
  for (const long of [...Array(70).keys()]) {
    const repositories = Array.from({ length: 14 }, (_, i) => `${i}`.padStart(64, "r"));
    const value = encodePublisherRecord({ repositories, name: "n".repeat(long) });
    const left = decodePublisherRecord(value).repositories.length;
    assert.ok(left === 14 || value.length + 67 > MAX, `${value.length} bytes, ${left} names`);
  }
});

Deno.test("publisher record: 1000 names, and a display name of 100 bytes of UTF-8, and no more", () => {
  const r = Array(1001).fill("a");
  assert.equal(
    decodePublisherRecord(bencode.encode({ v: 1, r: r.slice(1) })).repositories.length,
    1000,
  );
  assert.throws(() => decodePublisherRecord(bencode.encode({ v: 1, r })), isBadRecord);
  const named = (n: unknown) => decodePublisherRecord(bencode.encode({ v: 1, n, r: [] })).name;
  assert.equal(named("\ufeffé"), "\ufeffé");
  assert.equal(named("é".repeat(50)), "é".repeat(50));
  for (const n of ["n".repeat(101), 7, [], Uint8Array.of(0xff)]) {
    assert.throws(() => named(n), isBadRecord);
  }
});

Deno.test("publisher record: bad names are refused", () => {
  for (const r of [["../x"], [".git"], ["x.lock"], ["a/b"], [""], [7], "x", undefined]) {
    assert.throws(() => decodePublisherRecord(bencode.encode({ v: 1, r })), isBadRecord);
  }
});

Deno.test("repository record: an inline manifest comes out as it went in", () => {
  fc.assert(fc.property(
    fc.uint8Array({ maxLength: 2000 }),
    bytes(64),
    fc.option(bytes(20), { nil: undefined }),
    (manifest, signature, packs) => {
      const value = encodeInlineRecord({ bytes: manifest, signature }, packs);
      if (!value) return assert.ok(manifest.length > 800);
      assert.ok(value.length <= MAX);
      const expected = { kind: "inline", bytes: manifest, signature, ...(packs ? { packs } : {}) };
      assert.deepEqual(plain(decodeRepositoryRecord(value)), expected);
    },
  ));
});

Deno.test("repository record: a manifest that compresses well fits, one that doesn't does not", () => {
  const signature = new Uint8Array(64);
  assert.ok(encodeInlineRecord({ bytes: new Uint8Array(20_000), signature }));
  assert.equal(encodeInlineRecord({ bytes: new Uint8Array(70_000), signature }), undefined);
  assert.equal(encodeInlineRecord({ bytes: randomBytes(1000), signature }), undefined);
});

Deno.test("repository record: up to 64 KiB of manifest fit, and are believed", () => {
  const [signature, most] = [new Uint8Array(64), 64 * 1024];
  const zeros = (length: number) => ({ bytes: new Uint8Array(length), signature });
  const record = decodeRepositoryRecord(encodeInlineRecord(zeros(most))!);
  assert.ok(record.kind === "inline" && record.bytes.length === most);
  assert.equal(encodeInlineRecord(zeros(most + 1)), undefined);
  const m = deflateRawSync(new Uint8Array(most + 1));
  assert.throws(
    () => decodeRepositoryRecord(bencode.encode({ v: 1, m, s: signature })),
    isBadRecord,
  );
});

Deno.test("repository record: one of 996 bytes is made, one of 997 is not", () => {
  const signature = new Uint8Array(64);
  const noise = randomBytes(1000); // deflate stores it as it is
  const lengths = Array.from(
    { length: 1000 },
    (_, i) => encodeInlineRecord({ bytes: noise.subarray(0, i), signature })?.length,
  );
  const made = lengths.filter((length) => length !== undefined);
  assert.equal(made.at(-1), MAX);
  assert.ok(made.length < lengths.length);
  assert.equal(lengths.indexOf(undefined), made.length, "all longer ones are too long");
});

Deno.test("repository record: a manifest is compressed as well as can be", () => {
  const words = Array.from({ length: 380 }, (_, i) => `refs/heads/b${(i * i * 7919) % 997}`);
  const bytes = new TextEncoder().encode(words.join());
  const best = deflateRawSync(bytes, { level: 9 });
  assert.ok(best.length < deflateRawSync(bytes).length);
  const signature = new Uint8Array(64);
  const packed = bencode.encode({ v: 1, m: best, s: signature });
  assert.deepEqual(encodeInlineRecord({ bytes, signature }), packed);
});

Deno.test("repository record: a torrent comes out as it went in", () => {
  fc.assert(fc.property(
    bytes(20),
    fc.integer({ min: 1, max: 16 << 20 }),
    fc.integer({ min: 0, max: 2 ** 40 }),
    fc.option(bytes(20), { nil: undefined }),
    (infohash, size, created, packs) => {
      const torrent = { infohash: infohash.toHex(), size, created };
      const value = encodeTorrentRecord(torrent, packs);
      assert.ok(value.length <= MAX);
      const expected = { kind: "torrent", torrent, ...(packs ? { packs } : {}) };
      assert.deepEqual(plain(decodeRepositoryRecord(value)), expected);
    },
  ));
});

Deno.test("repository record: an inflation bomb is refused", () => {
  const m = deflateRawSync(new Uint8Array(900_000), { level: 9 });
  assert.ok(m.length < 900);
  const value = bencode.encode({ v: 1, m, s: new Uint8Array(64) });
  assert.throws(() => decodeRepositoryRecord(value), isBadRecord);
});

Deno.test("repository record: wrong fields are refused", () => {
  const ih = new Uint8Array(20);
  for (
    const fields of [
      {},
      { v: 2, ih, sz: 1, ts: 1 },
      { ih, sz: 1, ts: 1 },
      { v: 1, ih: ih.slice(1), sz: 1, ts: 1 },
      { v: 1, ih, sz: 0, ts: 1 },
      { v: 1, ih, sz: "1", ts: 1 },
      { v: 1, ih, sz: (16 << 20) + 1, ts: 1 },
      { v: 1, ih, sz: 1, ts: "1" },
      { v: 1, ih, sz: 1 },
      { v: 1, ih: "1".repeat(19), sz: 1, ts: 1 },
      { v: 1, ih: Array(20).fill(1), sz: 1, ts: 1 },
      { v: 1, ih, sz: 2 ** 40, ts: 1 },
      { v: 1, ih, sz: 1, ts: -1 },
      { v: 1, ih, sz: 1, ts: 1, d: "short" },
      { v: 1, m: 7, s: new Uint8Array(64) },
      { v: 1, m: new Uint8Array(3), s: new Uint8Array(63) },
      { v: 1, m: new Uint8Array([255, 255]), s: new Uint8Array(64) },
    ]
  ) {
    assert.throws(() => decodeRepositoryRecord(bencode.encode(fields)), isBadRecord);
  }
  const good = encodeTorrentRecord({ infohash: "ab".repeat(20), size: 1, created: 0 });
  assert.equal(decodeRepositoryRecord(good).kind, "torrent");
  assert.throws(() => decodeRepositoryRecord(Uint8Array.of(...good, 0)), isBadRecord);
  for (const value of [7, "text", ["list"]]) {
    assert.throws(() => decodeRepositoryRecord(bencode.encode(value)), isBadRecord);
  }
});

Deno.test("records: any bytes are read or refused, never anything else", () => {
  const good = encodeTorrentRecord({ infohash: "ab".repeat(20), size: 5, created: 5 });
  const mutated = fc.tuple(fc.nat(good.length - 1), fc.integer({ min: 0, max: 255 }))
    .map(([at, byte]) => good.with(at, byte));
  fc.assert(fc.property(fc.oneof(fc.uint8Array({ maxLength: 1100 }), mutated), (value) => {
    for (const decode of [decodeRepositoryRecord, decodePublisherRecord]) {
      try {
        decode(value);
      } catch (error) {
        assert.ok(isBadRecord(error), String(error));
      }
    }
  }));
});

/** Byte arrays compare by content, whatever their class. */
function plain(record: object): object {
  return Object.fromEntries(
    Object.entries(record).map(([k, v]) => [k, v instanceof Uint8Array ? new Uint8Array(v) : v]),
  );
}
