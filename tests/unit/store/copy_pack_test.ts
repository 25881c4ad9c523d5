/** Copying packs between files that take and give as much as they like. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import fc from "fast-check";
import { copyPack, writeAll } from "../../../lib/store/copy_pack.ts";
import { forever } from "./fixture.ts";

/** A file of these bytes of which so many can be read at a time. */
function reader(bytes: Uint8Array, most: number) {
  let at = 0;
  return {
    read: (buffer: Uint8Array) => {
      const part = bytes.subarray(at, at + Math.min(most, buffer.length));
      buffer.set(part);
      at += part.length;
      return Promise.resolve(part.length === 0 ? null : part.length);
    },
  };
}

/** A file to which so many bytes can be written at a time. */
function writer(most: number) {
  const written: number[] = [];
  return {
    written,
    write: (bytes: Uint8Array) => {
      const part = bytes.subarray(0, most);
      written.push(...part);
      return Promise.resolve(part.length);
    },
  };
}

const packOf = (bytes: Uint8Array) => ({
  size: bytes.length,
  infohash: "",
  objects: 1,
  tips: [],
  sha256: createHash("sha256").update(bytes).digest("hex"),
});
const anySize = fc.integer({ min: 1, max: 300 });

Deno.test("copy: all bytes of a pack and no others, however few are read and written at a time", () =>
  fc.assert(fc.asyncProperty(
    fc.uint8Array({ maxLength: 1000 }),
    fc.uint8Array({ maxLength: 50 }),
    anySize,
    anySize,
    async (bytes, behind, read, write) => {
      const to = writer(write);
      const moved: number[] = [];
      const from = reader(new Uint8Array([...bytes, ...behind]), read);
      await copyPack(packOf(bytes), from, to, forever.signal, (n) => void moved.push(n));
      assert.deepEqual(to.written, [...bytes]);
      assert.equal(moved.reduce((sum, n) => sum + n, 0), bytes.length);
      const rest = writer(write);
      await writeAll(rest, bytes);
      assert.deepEqual(rest.written, [...bytes]);
    },
  )));

Deno.test("copy: a pack of more than a buffer is copied whole", async () => {
  const bytes = new Uint8Array(randomBytes((2 << 20) + 5));
  const hash = createHash("sha256");
  const to = {
    write: (part: Uint8Array) => {
      hash.update(part);
      return Promise.resolve(part.length);
    },
  };
  await copyPack(packOf(bytes), reader(bytes, 10 << 20), to, forever.signal);
  assert.equal(hash.digest("hex"), packOf(bytes).sha256);
});

Deno.test("copy: a pack that ends early, or is another, is damaged; an abort ends it", async () => {
  const bytes = new Uint8Array(100).fill(7);
  const copy = (from: Uint8Array, signal = forever.signal) =>
    copyPack(packOf(bytes), reader(from, 40), writer(100), signal);
  await assert.rejects(copy(bytes.subarray(1)), {
    code: "wrong-pack",
    message: /ends 1 bytes early/,
  });
  await assert.rejects(copy(bytes.with(99, 8)), { code: "wrong-pack", message: /its SHA-256 is/ });
  await assert.rejects(copy(bytes, AbortSignal.abort(new Error("enough"))), /enough/);
});
