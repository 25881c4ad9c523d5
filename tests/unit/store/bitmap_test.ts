import assert from "node:assert/strict";
import { basename, join } from "node:path";
import { MAX_PACKS } from "../../../lib/manifest/schema.ts";
import type { PackRef } from "../../../lib/manifest/types.ts";
import { presentBitmap } from "../../../lib/store/bitmap_files.ts";
import { bitmapBase } from "../../../lib/store/make_bitmap.ts";
import type { RepoPaths } from "../../../lib/store/repo_paths.ts";
import type { StoredRepository } from "../../../lib/store/stored_repository.ts";
import { commit, FORMATS, git, grow, tempDir } from "../git_interface/fixture.ts";
import { forever, fsck, Publisher, readerOf as storeOf } from "./fixture.ts";

async function bitmapFiles(store: StoredRepository): Promise<string[]> {
  const names = await Array.fromAsync(Deno.readDir(join(store.path, "objects", "pack")));
  return names.map(({ name }) => name).filter((name) => name.startsWith("multi-pack-index")).sort();
}

/** Has git compare what the bitmap says with what the history says. */
async function assertUsed(store: StoredRepository): Promise<void> {
  const [main, bitmap] = await bitmapFiles(store);
  assert.equal(main, "multi-pack-index");
  assert.match(bitmap!, /\.bitmap$/);
  await git(store.path, ["rev-list", "--test-bitmap", "v700^0"]);
  await git(store.path, ["multi-pack-index", "verify"]);
  assert.equal(await fsck(store), "");
}

for (const format of FORMATS) {
  Deno.test(`the base of a ${format} repository has a bitmap as long as it stays`, async () => {
    await using temp = await tempDir();
    const publisher = await Publisher.create(temp.path, format);
    const store = storeOf(publisher, join(temp.path, "home"));
    await grow(publisher.work, 700);
    const base = await publisher.publication();
    await store.publish(base.signed, base.added);
    assert.equal(await store.addBitmap(forever), true);
    await assertUsed(store);
    const made = await bitmapFiles(store);
    assert.equal(await store.addBitmap(forever), false, "it is there");

    await commit(publisher.work, "g");
    const more = await publisher.publication(base.signed.manifest.packs);
    await store.publish(more.signed, more.added);
    assert.equal(await store.addBitmap(forever), false, "the base is the same");
    assert.deepEqual(await bitmapFiles(store), made);
    await assertUsed(store);

    const merged = await publisher.publication();
    await store.publish(merged.signed, merged.added);
    assert.deepEqual(await bitmapFiles(store), [], "it was of packs that have gone");
    assert.equal(await store.addBitmap(forever), true);
    assert.notDeepEqual(await bitmapFiles(store), made);
    await assertUsed(store);
  });
}

Deno.test("what a crash left of bitmaps goes, and a whole one stays", async () => {
  await using temp = await tempDir();
  const publisher = await Publisher.create(temp.path);
  const store = storeOf(publisher, join(temp.path, "home"));
  await grow(publisher.work, 700);
  const base = await publisher.publication();
  await store.publish(base.signed, base.added);
  const folder = join(store.path, "objects", "pack");
  const stray = join(folder, `multi-pack-index-${"1".repeat(40)}.bitmap`);
  await Deno.writeTextFile(stray, "half");
  await store.repair();
  assert.deepEqual(await bitmapFiles(store), []);

  await store.addBitmap(forever);
  const made = await bitmapFiles(store);
  await Deno.writeTextFile(stray, "half");
  await store.repair();
  assert.deepEqual(await bitmapFiles(store), made);

  await Deno.writeTextFile(join(folder, made[0]!), "MIDX");
  await store.repair();
  assert.deepEqual(await bitmapFiles(store), []);
  assert.equal(await store.addBitmap(forever), true);
  await assertUsed(store);
});

Deno.test("the file by which git sees a bitmap is the last to come into its place", async () => {
  await using temp = await tempDir();
  const publisher = await Publisher.create(temp.path);
  const store = storeOf(publisher, join(temp.path, "home"));
  await grow(publisher.work, 700);
  const base = await publisher.publication();
  await store.publish(base.signed, base.added);
  const { rename } = Deno;
  const moved: string[] = [];
  Deno.rename = async (from, to) => {
    await rename(from, to);
    if (String(to).includes("multi-pack-index")) moved.push(basename(String(to)));
  };
  try {
    assert.equal(await store.addBitmap(forever), true);
  } finally {
    Deno.rename = rename;
  }
  assert.ok(moved.length > 1, moved.join());
  assert.equal(moved.at(-1), "multi-pack-index");
});

Deno.test("packs replaced while a bitmap is made of them", async () => {
  await using temp = await tempDir();
  const publisher = await Publisher.create(temp.path);
  const store = storeOf(publisher, join(temp.path, "home"));
  const other = storeOf(publisher, join(temp.path, "home"));
  await grow(publisher.work, 700);
  const base = await publisher.publication();
  await store.publish(base.signed, base.added);
  await commit(publisher.work, "g");
  const merged = await publisher.publication();
  await Promise.all([other.addBitmap(forever), store.publish(merged.signed, merged.added)]);
  assert.equal(await fsck(store), "");
  await store.addBitmap(forever);
  await assertUsed(store);
});

Deno.test("the packs of a bitmap are told, however many a manifest lists", async () => {
  await using temp = await tempDir();
  const paths = { packs: temp.path } as RepoPaths;
  const packs = Array.from({ length: MAX_PACKS }, (_, i) => String(i).padStart(64, "0"));
  const names = packs.map((sha256) => `pack-${sha256}.idx\0`).join("");
  const main = `MIDX\x01\x01${"-".repeat(100)}${names}${"-".repeat(100_000)}`;
  await Deno.writeTextFile(join(temp.path, "multi-pack-index"), main);
  assert.deepEqual((await presentBitmap(paths))?.packs, packs);
});

Deno.test("a bitmap is of the first packs that are whole together, if they are large", () => {
  const pack = (objects: number, ...tips: string[]) => ({ objects, tips }) as unknown as PackRef;
  const base = (...packs: PackRef[]) => bitmapBase(packs).length;
  assert.equal(base(), 0);
  assert.equal(base(pack(1999, "a"), pack(5000, "b")), 0);
  assert.equal(base(pack(2000, "a"), pack(5000, "b")), 1);
  assert.equal(base(pack(900), pack(900), pack(900, "a"), pack(50, "b")), 3);
  assert.equal(base(pack(5000)), 0, "none of them is");
});
