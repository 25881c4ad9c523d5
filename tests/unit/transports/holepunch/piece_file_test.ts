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
          const missing = Array.from({ length: target.count }, (_, i) => i)
            .filter((index) => !target.has(index));
          assert.deepEqual(missing, differs.toSorted((a, b) => a - b));
          for (const index of missing) {
            const from = target.start(index);
            const piece = bytes.subarray(from, from + target.lengthOf(index));
            assert.equal(await target.write(index, piece), true);
            assert.equal(await target.write(index, piece), false, "it is no longer new");
          }
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

Deno.test("holepunch pieces: what is not the piece is not written", async () => {
  const path = await Deno.makeTempFile();
  try {
    const bytes = randomBytes(100_000);
    const { pack, pieces } = packOf(bytes);
    await using file = await open(path, "r+");
    const target = new PieceFile(file, pack, pieces);
    await target.check(never);
    const piece = (i: number) =>
      bytes.subarray(target.start(i), target.start(i) + target.lengthOf(i));
    await target.write(1, piece(1));
    assert.equal(target.prefix, 0);
    await assert.rejects(
      target.write(2, piece(3)),
      (e) => e instanceof VerificationError && e.code === "wrong-piece",
    );
    await target.write(0, piece(0));
    assert.equal(target.prefix, target.start(2));
    assert.equal(target.has(2), false);
  } finally {
    await Deno.remove(path);
  }
});
