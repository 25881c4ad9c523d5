import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHash, randomBytes } from "node:crypto";
import fc from "fast-check";
import { VerificationError } from "../../../../lib/common/errors.ts";
import {
  type GetItem,
  getTree as getTreeOf,
  type PutItem,
  putTree as putTreeOf,
} from "../../../../lib/transports/shared/item_tree.ts";

const MOST = 100_000;
/** Holepunch's. */
const FORM = { itemBytes: 896, hashBytes: 32, atOnce: 8 };

async function putTree(content: Uint8Array, put: PutItem) {
  return { hash: (await putTreeOf(content, FORM, put)).toString("hex"), size: content.length };
}

function getTree({ hash, size }: { hash: string; size: number }, most: number, get: GetItem) {
  return getTreeOf({ hash: Buffer.from(hash, "hex"), size }, most, FORM, get);
}

/** A DHT in memory: any hash of 32 bytes will do. */
function memory() {
  const items = new Map<string, Buffer>();
  return {
    items,
    put: (value: Buffer) => {
      assert.ok(value.length > 0 && value.length <= 896);
      const hash = createHash("sha256").update(value).digest();
      items.set(hash.toString("hex"), Buffer.from(value));
      return Promise.resolve(hash);
    },
    get: (hash: Buffer) => Promise.resolve(items.get(hash.toString("hex"))),
  };
}

Deno.test("item tree: what was put is got again, of any size", async () => {
  const sizes = [1, 895, 896, 897, 896 * 28, 896 * 28 + 1, 896 * 28 * 3 + 5];
  for (const size of sizes) {
    const { put, get } = memory();
    const content = randomBytes(size);
    const root = await putTree(content, put);
    assert.equal(root.size, size);
    assert.deepEqual(await getTree(root, MOST, get), content);
  }
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 5000 }), async (content) => {
      const { put, get } = memory();
      const root = await putTree(content, put);
      assert.deepEqual(await getTree(root, MOST, get), Buffer.from(content));
    }),
  );
});

Deno.test("item tree: the form that is in the DHT stays as it is", async () => {
  const kept: [number, string, number, string][] = [
    [1, "6e340b9cffb37a98", 1, "6e340b9cffb37a98"],
    [896, "33aebb4a38ee9e1a", 1, "33aebb4a38ee9e1a"],
    [897, "dd2d3b8d38318625", 3, "66cbe849e7066693"],
    [896 * 28 + 1, "e5081d4c235601e2", 32, "0fa10ca0c173227d"],
    [100_000, "a5cb6f4caae363b4", 117, "6f678f1d7e5b496d"],
  ];
  for (const [size, hash, count, sha256] of kept) {
    const { put } = memory();
    const items: Buffer[] = [];
    const content = Uint8Array.from({ length: size }, (_, i) => i * 31 + (i >> 8));
    const root = await putTree(content, (item) => {
      items.push(Buffer.from(item));
      return put(item);
    });
    assert.equal(root.hash.slice(0, 16), hash);
    assert.equal(items.length, count);
    const all = createHash("sha256").update(Buffer.concat(items)).digest("hex");
    assert.equal(all.slice(0, 16), sha256, "the same bytes, in the same order");
  }
});

Deno.test("item tree: a missing item is no content, and a lie about the size an error", async () => {
  const { items, put, get } = memory();
  const root = await putTree(randomBytes(30_000), put);
  const isBad = (error: unknown) =>
    error instanceof VerificationError && error.code === "bad-record";
  for (const size of [1, 896, 29_999, 30_001, 90_000]) {
    const found = await getTree({ ...root, size }, MOST, get).catch((error) => {
      assert.ok(isBad(error), String(error));
    });
    assert.equal(found, undefined);
  }
  await assert.rejects(getTree(root, 29_999, get), isBad);
  assert.equal((await getTree(root, 30_000, get))?.length, 30_000);
  for (const hash of [...items.keys()].slice(0, 3)) {
    const item = items.get(hash)!;
    items.delete(hash);
    assert.equal(await getTree(root, MOST, get), undefined);
    items.set(hash, item);
  }
});

Deno.test("item tree: a few items are put and got at once", async () => {
  const { put, get } = memory();
  let running = 0;
  let most = 0;
  const counted = <T, R>(work: (item: T) => Promise<R>) => async (item: T) => {
    most = Math.max(most, ++running);
    await new Promise((resolve) => setTimeout(resolve));
    running--;
    return await work(item);
  };
  const content = randomBytes(896 * 20);
  const root = await putTree(content, counted(put));
  assert.equal(most, 8);
  most = 0;
  assert.deepEqual(await getTree(root, MOST, counted(get)), content);
  assert.equal(most, 8);
});

Deno.test("item tree: only what the tree is made of counts", async () => {
  const { items, put, get } = memory();
  const content = randomBytes(896 * 30);
  const root = await putTree(content, put);
  const within = new Uint8Array(content.length + 7);
  within.set(content, 7);
  assert.deepEqual(await putTree(within.subarray(7), put), root, "wherever the bytes lie");
  const top = items.get(root.hash)!;
  assert.equal(top.length, 2 * 32); // 28 leaves, and 2
  for (const changed of [top.subarray(0, 32), Buffer.concat([top, top.subarray(0, 32)])]) {
    items.set(root.hash, changed);
    await assert.rejects(getTree(root, MOST, get), { code: "bad-record" });
  }
});
