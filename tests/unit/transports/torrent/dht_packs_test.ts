import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHash, randomBytes } from "node:crypto";
import fc from "fast-check";
import { NetworkError, VerificationError } from "../../../../lib/common/errors.ts";
import { immutableTarget } from "../../../../lib/transports/torrent/dht/items.ts";
import {
  decodePackIndex,
  encodePackIndex,
  itemTree,
  readItemTree,
} from "../../../../lib/transports/torrent/dht_packs.ts";

const wait = { signal: new AbortController().signal };

/** A DHT that has these items, and counts how many are asked for at once. */
function readerOf(items: readonly Uint8Array[]) {
  const byTarget = new Map(items.map((item) => [immutableTarget(item).toString("hex"), item]));
  const reader = {
    asking: 0,
    most: 0,
    async getImmutable(target: Buffer) {
      reader.most = Math.max(reader.most, ++reader.asking);
      await Promise.resolve();
      reader.asking--;
      return byTarget.get(target.toString("hex"));
    },
  };
  return reader;
}

Deno.test("item tree: a file of any size comes out as it went in", async () => {
  const sizes = [1, 991, 992, 993, 992 * 49, 992 * 49 + 1, 65536, 992 * 49 * 2, 1024 * 1024];
  for (const size of sizes) {
    const file = randomBytes(size);
    const { root, items } = await itemTree(file);
    assert.ok(items.every((item) => item.length <= 996));
    const reader = readerOf(items);
    assert.deepEqual(Buffer.from(await readItemTree(reader, root, size, wait)), file);
    assert.ok(reader.most <= 12);
  }
});

Deno.test("item tree: the same content makes the same items", async () => {
  const file = randomBytes(5000);
  assert.deepEqual(await itemTree(file), await itemTree(new Uint8Array(file)));
});

Deno.test("item tree: the form that is in the DHT stays as it is", async () => {
  const kept: [number, string, number, string][] = [
    [1, "385155e12b43af898c85cf270cd20fcfb1d4961e", 1, "fdbf0c61350d90aa"],
    [992, "b81cc2c59af9cb4991776040f210615289b8fe98", 1, "6c30fb3ab46987c2"],
    [993, "ace18d0590f1224a0f48feaae711d0655e750812", 3, "77e1a681c7c6ba6d"],
    [992 * 49 + 1, "f510706eaa0aa2e778ca9e8d763d3273c909ec43", 53, "71f265f2cae89c75"],
    [200_000, "84606ea16f97a17e934e1657f6d35506307b96a8", 208, "c4a09b46d8b64f66"],
  ];
  for (const [size, hash, count, sha256] of kept) {
    const { root, items } = await itemTree(
      Uint8Array.from({ length: size }, (_, i) => i * 31 + (i >> 8)),
    );
    assert.equal(root.toString("hex"), hash);
    assert.equal(items.length, count);
    const all = createHash("sha256").update(Buffer.concat(items)).digest("hex");
    assert.equal(all.slice(0, 16), sha256, "the same bytes, in the same order");
  }
});

Deno.test("item tree: a missing item is said to be missing", async () => {
  const { root, items } = await itemTree(randomBytes(100_000));
  for (const gone of [0, 50, items.length - 1]) {
    const reader = readerOf(items.filter((_, i) => i !== gone));
    await assert.rejects(
      readItemTree(reader, root, 100_000, wait),
      (error) => error instanceof NetworkError && error.code === "nobody-answered",
    );
  }
});

Deno.test("item tree: another size than the file's is refused", async () => {
  const file = randomBytes(60_000);
  const { root, items } = await itemTree(file);
  for (const size of [0, 1, 992, 59_999, 60_001, 1_000_000, 2 ** 31]) {
    await assert.rejects(readItemTree(readerOf(items), root, size, wait), isBadRecord);
  }
});

Deno.test("pack index: what goes in comes out, while it fits", () => {
  const target = fc.uint8Array({ minLength: 20, maxLength: 20 });
  const roots = fc.array(target, { maxLength: 60 });
  fc.assert(fc.property(roots, fc.option(target, { nil: undefined }), (packs, manifest) => {
    const value = encodePackIndex({ packs, manifest });
    if (!value) return assert.ok(packs.length > 45);
    assert.ok(value.length <= 996);
    const decoded = decodePackIndex(value);
    assert.deepEqual(decoded.packs.map((p) => p.toHex()), packs.map((p) => p.toHex()));
    assert.equal(decoded.manifest?.toHex(), manifest?.toHex());
  }));
});

Deno.test("pack index: any bytes are read or refused, never anything else", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 1000 }), (value) => {
    try {
      decodePackIndex(value);
    } catch (error) {
      assert.ok(isBadRecord(error));
    }
  }));
});

function isBadRecord(error: unknown): boolean {
  return error instanceof VerificationError && error.code === "bad-record";
}
