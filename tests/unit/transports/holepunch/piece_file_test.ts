import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { open } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { VerificationError } from "../../../../lib/common/errors.ts";
import { PackHasher, pieceLength } from "../../../../lib/manifest/pack_torrent.ts";
import { PieceFile } from "../../../../lib/transports/holepunch/piece_file.ts";

const never = new AbortController().signal;

function packOf(bytes: Uint8Array) {
  const hasher = new PackHasher(bytes.length);
  hasher.update(bytes);
  const { sha256, infohash, pieces } = hasher.digest();
  return { pack: { sha256, infohash, size: bytes.length, objects: 1, tips: [] }, pieces };
}

Deno.test("holepunch pieces: what is right in a file is kept, and the rest is fetched", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 300_000 }),
        fc.array(fc.nat(), { maxLength: 5 }),
        fc.boolean(),
        async (size, damage, longer) => {
          const bytes = randomBytes(size);
          const { pack, pieces } = packOf(bytes);
          const path = join(folder, "file");
          const there = Uint8Array.from([...bytes, ...longer ? [1, 2, 3] : []]);
          const wrong = new Set<number>();
          for (const at of damage) {
            there[at % size]! ^= 1;
            wrong.add(Math.floor((at % size) / pieceLength(size)));
          }
          // The same byte may have been damaged and mended.
          const differs = [...wrong].filter((i) => {
            const from = i * pieceLength(size);
            const to = Math.min(size, from + pieceLength(size));
            return !bytes.subarray(from, to).equals(there.subarray(from, to));
          });
          await Deno.writeFile(path, there);
          await using file = await open(path, "r+");
          const target = new PieceFile(file, pack, pieces);
          await target.check(never);
          assert.equal(target.isWhole, differs.length === 0);
          const fetched: number[] = [];
          for (let row = target.takeNow(); row; row = target.takeNow()) {
            for (const index of row) {
              fetched.push(index);
              const from = target.start(index);
              await target.write(index, bytes.subarray(from, from + target.lengthOf(index)));
            }
          }
          assert.deepEqual(fetched, differs.toSorted((a, b) => a - b));
          assert.equal(target.isWhole, true);
          assert.equal(target.prefix, size);
          assert.equal(target.done, size);
          assert.deepEqual(new Uint8Array(bytes), await Deno.readFile(path));
        },
      ),
      { numRuns: 40 },
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("holepunch pieces: what one peer doesn't deliver another takes over", async () => {
  const path = await Deno.makeTempFile();
  try {
    const bytes = randomBytes(100_000);
    const { pack, pieces } = packOf(bytes);
    await using file = await open(path, "r+");
    const target = new PieceFile(file, pack, pieces);
    await target.check(never);
    const all = target.takeNow()!;
    assert.deepEqual(all, [0, 1, 2, 3, 4, 5, 6]);
    assert.equal(target.takeNow(), undefined);
    const other = target.take(never);
    const piece = (i: number) =>
      bytes.subarray(target.start(i), target.start(i) + target.lengthOf(i));
    await target.write(1, piece(1));
    assert.equal(target.prefix, 0);
    await assert.rejects(
      target.write(2, piece(3)),
      (e) => e instanceof VerificationError && e.code === "wrong-piece",
    );
    target.giveBack([0, 2, 3, 4, 5, 6]);
    assert.deepEqual(await other, [0]); // in a row: piece 1 is there
    const last = target.take(never);
    assert.deepEqual(await last, [2, 3, 4, 5, 6]);
    const waiting = target.take(never);
    for (const i of [0, 2, 3, 4, 5, 6]) await target.write(i, piece(i));
    assert.equal(await waiting, undefined);
    assert.equal(target.isWhole, true);
  } finally {
    await Deno.remove(path);
  }
});
