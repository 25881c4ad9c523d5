import assert from "node:assert/strict";
import { join } from "node:path";
import { Bitmaps } from "../../../../lib/engine/keep/bitmaps.ts";
import type { EngineParts } from "../../../../lib/engine/parts.ts";
import type { StoredRepository } from "../../../../lib/store/stored_repository.ts";
import { grow, tempDir } from "../../git_interface/fixture.ts";
import { follow, Publisher, readerOf } from "../../store/fixture.ts";
import { Seeder } from "../../../../lib/engine/keep/seeder.ts";
import { makeParts } from "../fixture.ts";

async function hasBitmap(repository: StoredRepository): Promise<boolean> {
  const path = join(repository.path, "objects", "pack", "multi-pack-index");
  return await Deno.stat(path).then(() => true, () => false);
}

/** A repository of publisher 1, large enough for a bitmap, in the store of `parts`. */
async function stored(root: string, parts: EngineParts): Promise<StoredRepository> {
  const publisher = await Publisher.create(root);
  await grow(publisher.work, 700);
  await follow(readerOf(publisher, parts.home.root), await publisher.publication());
  return parts.store.repository(publisher.key.publicKeyHex, "hello");
}

Deno.test("what was only cloned has no bitmap, what is followed has one", async () => {
  await using temp = await tempDir();
  const parts = await makeParts(temp.path, [], { seed: 2 });
  const repository = await stored(temp.path, parts);
  await using bitmaps = new Bitmaps(parts);
  await bitmaps.keep(repository);
  assert.equal(await hasBitmap(repository), false);
  const { publisher, name } = repository;
  await parts.follows.put({ scheme: "torrent", publisher, name }, new AbortController().signal);
  await bitmaps.keep(repository);
  assert.equal(await hasBitmap(repository), true);
});

Deno.test("what is one's own has a bitmap once it was offered, and no one waits for it", async () => {
  await using temp = await tempDir();
  const parts = await makeParts(temp.path);
  const repository = await stored(temp.path, parts);
  const made = Promise.withResolvers<void>();
  await using watched = new (class extends Bitmaps {
    override async keep(which: StoredRepository): Promise<void> {
      await super.keep(which);
      made.resolve();
    }
  })(parts);
  const allowed = () => Promise.resolve(true);
  await using seeder = new Seeder([], parts.settings, parts.log, allowed, watched);
  await seeder.offer(repository);
  await made.promise;
  assert.equal(await hasBitmap(repository), true);
});

Deno.test("a bitmap that can't be made is logged, and nothing else fails", async () => {
  await using temp = await tempDir();
  const parts = await makeParts(temp.path);
  const repository = await stored(temp.path, parts);
  const [pack] = await repository.packs();
  await Deno.chmod(pack!.path, 0o644);
  await Deno.truncate(pack!.path, 0);
  await Deno.truncate(pack!.path, pack!.pack.size);
  await using bitmaps = new Bitmaps(parts);
  await bitmaps.keep(repository);
  assert.match(
    parts.logged.join("\n"),
    /can't make a bitmap of hello: git multi-pack-index failed/,
  );
  assert.equal(await hasBitmap(repository), false);
});
