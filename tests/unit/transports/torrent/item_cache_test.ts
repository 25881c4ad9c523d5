import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
// @ts-types="../../../../lib/types/bencode.d.ts"
import bencode from "bencode";
import { keyFromSeed } from "../../../../lib/identity/keys.ts";
import {
  decodeItem,
  encodeItem,
  type MutableItem,
  mutableTarget,
  signItem,
  verifyItem,
} from "../../../../lib/transports/torrent/dht/items.ts";
import { ItemCache } from "../../../../lib/transports/torrent/item_cache.ts";

const key = keyFromSeed(new Uint8Array(32).fill(4));
const itemOf = (seq: number, text: string): MutableItem =>
  signItem(key, { salt: Buffer.from("hello"), seq, value: bencode.encode(text) });

Deno.test("items: the signature covers salt, sequence and value", () => {
  const item = itemOf(3, "x");
  assert.ok(verifyItem(item));
  for (
    const change of [
      { seq: 4 },
      { salt: Buffer.from("hellp") },
      { salt: undefined },
      { value: bencode.encode("y") },
      { publicKey: new Uint8Array(32) },
      { signature: new Uint8Array(63) },
    ]
  ) assert.equal(verifyItem({ ...item, ...change }), false);
});

Deno.test("items: a value of more than 996 bytes is not signed", () => {
  assert.throws(() => itemOf(1, "x".repeat(993)), RangeError);
  assert.ok(verifyItem(itemOf(1, "x".repeat(992))));
});

Deno.test("items: the file form is read back, damaged ones are not", () => {
  for (const item of [itemOf(3, "x"), signItem(key, { seq: 0, value: bencode.encode([1]) })]) {
    const file = encodeItem(item);
    const read = decodeItem(file);
    assert.ok(read && mutableTarget(read).equals(mutableTarget(item)));
    assert.equal(read.value.toHex(), item.value.toHex());
    for (let at = 0; at < file.length; at++) {
      const damaged = decodeItem(file.with(at, file[at]! ^ 1));
      assert.ok(damaged === undefined || damaged.value.toHex() === item.value.toHex());
      assert.equal(decodeItem(file.subarray(0, at)), undefined);
    }
  }
});

Deno.test("item cache: items survive a restart, older ones don't replace newer ones", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const cache = await ItemCache.open(folder);
    const target = mutableTarget(itemOf(1, ""));
    await cache.put(itemOf(5, "five"));
    await cache.put(itemOf(4, "four"));
    const again = await ItemCache.open(folder);
    assert.equal(again.get(target)?.seq, 5);
    await again.remove(target);
    assert.equal(again.get(target), undefined);
    assert.deepEqual(await readdir(folder), []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("item cache: damaged files, strangers and leftovers are removed", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const item = itemOf(5, "five");
    const target = mutableTarget(item).toString("hex");
    await Deno.writeFile(join(folder, target), encodeItem(item).with(20, 0));
    await Deno.writeFile(join(folder, "ab".repeat(20)), encodeItem(item));
    await Deno.writeTextFile(join(folder, `${target}.1234.tmp`), "half");
    const cache = await ItemCache.open(folder);
    assert.equal(cache.get(Buffer.from(target, "hex")), undefined);
    assert.deepEqual(await readdir(folder), []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
