import assert from "node:assert/strict";
import { join } from "node:path";
import { listRefs } from "../../../lib/git_interface/refs.ts";
import { commit, FORMATS, git, tempDir } from "../git_interface/fixture.ts";
import { fsck, Publisher, readerOf as storeOf, snapshot } from "./fixture.ts";

for (const format of FORMATS) {
  Deno.test(`publications of a ${format} repository add, merge and retire packs`, async () => {
    await using temp = await tempDir();
    const publisher = await Publisher.create(temp.path, format);
    const store = storeOf(publisher, join(temp.path, "home"));
    await commit(publisher.work, "a", 4000);
    const one = await publisher.publication();
    await store.publish(one.signed, one.added);
    await store.writeState({ role: "published", sources: { "/w": await publisher.refs() } });

    const second = await commit(publisher.work, "b");
    const two = await publisher.publication(one.signed.manifest.packs);
    await store.publish(two.signed, two.added);
    assert.equal((await store.heldPacks()).length, 2);
    const { role, sources, sequence } = await store.state();
    assert.deepEqual([role, Object.keys(sources), sequence], ["published", ["/w"], 2]);
    assert.equal(await git(store.path, ["rev-parse", "main"]), second);

    // Only refs change: nothing new to pack.
    const { packs } = two.signed.manifest;
    await store.publish(await publisher.sign(packs, { refs: {} }), []);
    assert.equal((await listRefs(store.path, ["refs"])).size, 0);

    const merged = await publisher.publication();
    await store.publish(merged.signed, merged.added);
    assert.equal((await store.heldPacks()).length, 1);
    assert.deepEqual(
      (await store.retiredPacks()).map(({ pack }) => pack),
      packs,
    );
    assert.equal(await fsck(store), "");

    assert.equal(await store.dropRetired(60), 0);
    assert.equal((await store.retiredPacks()).length, 2);
    assert.equal(await store.dropRetired(0), 2);
    assert.deepEqual(await store.retiredPacks(), []);
    assert.deepEqual(await Array.fromAsync(Deno.readDir(join(store.path, "gtr", "retired"))), []);
  });
}

Deno.test("a retired pack that is published again is no longer retired", async () => {
  await using temp = await tempDir();
  const publisher = await Publisher.create(temp.path);
  const store = storeOf(publisher, join(temp.path, "home"));
  await commit(publisher.work, "a");
  const one = await publisher.publication();
  const copies = one.added.map((made) => ({
    ...made,
    packPath: `${made.packPath}.2`,
    idxPath: `${made.idxPath}.2`,
  }));
  await Deno.copyFile(one.added[0]!.packPath, copies[0]!.packPath);
  await Deno.copyFile(one.added[0]!.idxPath, copies[0]!.idxPath);
  await store.publish(one.signed, one.added);
  await store.publish(await publisher.sign([], { refs: {} }), []);
  assert.equal((await store.retiredPacks()).length, 1);
  assert.deepEqual(await store.packs(), []);

  await store.publish(await publisher.sign(one.signed.manifest.packs), copies);
  assert.deepEqual(await store.retiredPacks(), []);
  assert.equal(await fsck(store), "");
});

Deno.test("a publication that goes back, or whose packs are not there, changes nothing", async () => {
  await using temp = await tempDir();
  const publisher = await Publisher.create(temp.path);
  const store = storeOf(publisher, join(temp.path, "home"));
  await commit(publisher.work, "a");
  const one = await publisher.publication([], { sequence: 3 });
  await store.publish(one.signed, one.added);
  await commit(publisher.work, "b");
  const two = await publisher.publication(one.signed.manifest.packs);
  const before = await snapshot(store.path);
  await assert.rejects(store.publish(one.signed, []), { code: "rolled-back" });
  await assert.rejects(store.publish(two.signed, []), { code: "pack-missing" });
  const foreign = await (await Publisher.create(temp.path, "sha1", 2)).sign([], { refs: {} });
  await assert.rejects(store.publish(foreign, []), { code: "wrong-key" });
  assert.deepEqual(await snapshot(store.path), before);
});
