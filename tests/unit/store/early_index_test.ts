import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { VerificationError } from "../../../lib/common/errors.ts";
import { commit, FORMATS, git, initRepository, tempDir } from "../git_interface/fixture.ts";
import { emptyHistory, multiplied, packOf, zeros } from "../git_interface/bombs.ts";
import { fetchInto, fsck, lenient, packRef, Publisher, readerOf } from "./fixture.ts";

async function firstPublication(root: string, format: "sha1" | "sha256" = "sha1") {
  const publisher = await Publisher.create(root, format);
  await commit(publisher.work, "a", 200_000);
  const publication = await publisher.publication();
  const reader = readerOf(publisher, join(root, "home"));
  const [file] = await fetchInto(reader, publication);
  return { reader, signed: publication.signed, pack: publication.added[0]!.pack, file: file! };
}

async function leftovers(folder: string): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(join(folder, "gtr")));
  return entries.map(({ name }) => name).filter((name) => name.startsWith("quarantine"));
}

for (const format of FORMATS) {
  Deno.test(`a ${format} pack is indexed while it arrives`, async () => {
    await using temp = await tempDir();
    const { reader, signed, pack, file } = await firstPublication(temp.path, format);
    const whole = await Deno.readFile(file.path);
    await Deno.truncate(file.path);
    {
      await using early = reader.indexEarly(pack, { strict: true });
      let written = 0;
      for (const part of [0.1, 0.1, 0.5, 0.9, 1]) {
        const size = Math.floor(whole.length * part);
        await Deno.writeFile(file.path, whole.subarray(written, size), { append: true });
        early.advance(written = size);
      }
      assert.ok(await early.finish(lenient.signal));
      await reader.accept(signed, [file], { ...lenient, early });
    }
    assert.equal(await fsck(reader), "");
    assert.deepEqual((await reader.heldPacks()).map((held) => held.pack), [pack]);
    assert.deepEqual(await leftovers(reader.path), []);
  });
}

Deno.test("another file that was put in the place of the growing one is checked as a whole", async () => {
  await using temp = await tempDir();
  const { reader, signed, pack, file } = await firstPublication(temp.path);
  const whole = await Deno.readFile(file.path);
  await using early = reader.indexEarly(pack, { strict: false });
  early.advance(whole.length >> 1);
  const wrong = whole.slice();
  wrong[wrong.length - 100]! ^= 1;
  await Deno.writeFile(file.path, wrong);
  await assert.rejects(
    reader.accept(signed, [file], { ...lenient, early }),
    (error) => error instanceof VerificationError && error.code === "wrong-pack",
  );
  assert.equal(await reader.manifest(), undefined);
  await assert.rejects(Deno.stat(file.path), Deno.errors.NotFound);
});

Deno.test("where the head start fails the pack is indexed as usual", async () => {
  await using temp = await tempDir();
  const { reader, signed, pack, file } = await firstPublication(temp.path);
  const whole = await Deno.readFile(file.path);
  await using early = reader.indexEarly(pack, { strict: false });
  await Deno.writeFile(file.path, whole.map((byte) => ~byte)); // git gives up on what it is fed
  early.advance(1000);
  assert.equal(await early.finish(lenient.signal), undefined);
  assert.deepEqual(
    await leftovers(reader.path),
    [],
    "the second attempt has the room of the first",
  );
  await Deno.writeFile(file.path, whole);
  await reader.accept(signed, [file], { ...lenient, early });
  assert.equal(await fsck(reader), "");
});

Deno.test("another pack, that came before the right one, is not used", async () => {
  await using temp = await tempDir();
  const { reader, signed, pack, file } = await firstPublication(temp.path);
  const whole = await Deno.readFile(file.path);
  await Deno.writeFile(file.path, await otherPack(temp.path, pack.size));
  await using early = reader.indexEarly(pack, { strict: false });
  early.advance(pack.size);
  assert.equal(await early.finish(lenient.signal), undefined);
  await Deno.writeFile(file.path, whole);
  await reader.accept(signed, [file], { ...lenient, early });
  assert.equal(await fsck(reader), "");
});

/** A pack of just that size: of one blob, whose bytes don't compress. */
async function otherPack(root: string, size: number): Promise<Uint8Array> {
  const path = await initRepository(join(root, "other"));
  for (let bytes = size, i = 0; i < 20; i++) {
    await Deno.writeFile(join(root, "blob"), randomBytes(bytes));
    const oid = await git(path, ["hash-object", "-w", join(root, "blob")]);
    const name = await git(path, ["pack-objects", "-q", join(root, "packed")], `${oid}\n`);
    const made = await Deno.readFile(join(root, `packed-${name}.pack`));
    if (made.length === size) return made;
    bytes += size - made.length;
  }
  throw new Error(`no pack of ${size} bytes could be made`);
}

Deno.test("a fetch that is given up leaves nothing of the index", async () => {
  await using temp = await tempDir();
  const { reader, pack } = await firstPublication(temp.path);
  {
    await using early = reader.indexEarly(pack, { strict: false });
    early.advance(100);
  }
  assert.deepEqual(await leftovers(reader.path), []);
});

Deno.test({
  name: "what is over its budget while it arrives is not tried a second time (Linux)",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    await using temp = await tempDir();
    const publisher = await Publisher.create(temp.path);
    const reader = readerOf(publisher, join(temp.path, "home"));
    const { entries, tip } = emptyHistory();
    const bomb = [zeros(16 << 20), multiplied(1, 16 << 20, 320 << 20)];
    const bytes = packOf([...entries, ...bomb]);
    const packPath = join(temp.path, "bomb.pack");
    await Deno.writeFile(packPath, bytes);
    const pack = await packRef(packPath, 4, [tip]);
    const signed = await publisher.sign([pack], { refs: { "refs/heads/main": tip } });
    const added = [{ pack, packPath, idxPath: "" }];
    const [file] = await fetchInto(reader, { signed, added });
    await using early = reader.indexEarly(pack, { strict: false, bounded: true });
    early.advance(bytes.length);
    const options = { ...lenient, bounded: true, early };
    await assert.rejects(reader.accept(signed, [file!], options), { code: "over-budget" });
    assert.equal(await reader.manifest(), undefined);
    assert.ok((await Deno.stat(file!.path)).isFile, "a person may still want it");
    assert.deepEqual(await leftovers(reader.path), []);
  },
});
