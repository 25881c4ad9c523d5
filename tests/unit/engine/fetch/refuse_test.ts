import assert from "node:assert/strict";
import { join } from "node:path";
import { unfollowRepository } from "../../../../lib/engine/follow/follow.ts";
import { syncRepository } from "../../../../lib/engine/fetch/sync.ts";
import { keyFromSeed } from "../../../../lib/identity/keys.ts";
import { signManifest } from "../../../../lib/manifest/manifest.ts";
import { RefusedList } from "../../../../lib/store/refused.ts";
import { emptyHistory, multiplied, packOf, zeros } from "../../git_interface/bombs.ts";
import { packRef } from "../../store/fixture.ts";
import { makeParts, soon, tempDir } from "../fixture.ts";
import { MemoryNetwork, MemoryNode } from "../memory_network.ts";

const MIB = 1 << 20;

/** A publisher of one pack, and somebody who reads it in each of two ways. */
async function world(pack: Uint8Array, tip: string) {
  const temp = await tempDir();
  const network = new MemoryNetwork();
  const publisher = await makeParts(temp.path, [new MemoryNode(network)], { seed: 1 });
  const path = join(temp.path, "published.pack");
  await Deno.writeFile(path, pack);
  const objects = new DataView(pack.buffer, pack.byteOffset).getUint32(8);
  const ref = await packRef(path, objects, [tip]);
  const signed = signManifest({
    version: 1,
    publisher: publisher.key.publicKeyHex,
    name: "bomb",
    sequence: 1,
    created: 1_700_000_000,
    objectFormat: "sha1",
    head: "refs/heads/main",
    refs: { "refs/heads/main": tip },
    packs: [ref],
    endpoints: {},
  }, publisher.key);
  network.announced.set(`${publisher.key.id}/bomb`, signed);
  network.seeded.set(ref.sha256, [path]);
  const reader = await makeParts(temp.path, [new MemoryNode(network)], { seed: 2 });
  const address = { scheme: "torrent", id: publisher.key.id, name: "bomb" };
  const sync = async (unattended: boolean) => {
    using wait = soon();
    return await syncRepository(reader, address, wait, { purpose: "follow", unattended });
  };
  const fetches = () => network.events.filter((event) => event.startsWith("fetch")).length;
  return {
    reader,
    address,
    ref,
    sync,
    fetches,
    [Symbol.asyncDispose]: () => temp[Symbol.asyncDispose](),
  };
}

Deno.test({
  name: "what is over its budget is refused once and for all, unless a person asks for it (Linux)",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const { entries, tip } = emptyHistory();
    const bomb = [zeros(16 * MIB), multiplied(1, 16 * MIB, 320 * MIB)];
    await using w = await world(packOf([...entries, ...bomb]), tip);
    await assert.rejects(w.sync(true), { code: "over-budget", hint: /git clone/ });
    assert.equal(w.fetches(), 1);
    assert.equal(w.reader.dropped.toJSON()["over-budget"], 1);
    // Another gtd, later.
    const [refused] = await new RefusedList(w.reader.home).all();
    assert.equal(refused?.sha256, w.ref.sha256);
    assert.equal(refused?.name, "bomb");
    await assert.rejects(w.sync(true), { code: "refused-pack", message: /refused before/ });
    assert.equal(w.fetches(), 1);
    const { signed } = await w.sync(false);
    assert.equal(signed.manifest.refs["refs/heads/main"], tip);
    assert.deepEqual(await w.reader.refused.all(), []);
  },
});

Deno.test("a refusal ends with a newer publication, and for who no longer follows", async () => {
  const { entries, tip } = emptyHistory();
  await using w = await world(packOf([...entries, zeros(1000)]), tip);
  const { publicKeyHex } = keyFromSeed(new Uint8Array(32).fill(1));
  const refused = { publisher: publicKeyHex, name: "bomb", sha256: "0".repeat(64), why: "large" };
  const other = { ...refused, name: "other", sha256: "1".repeat(64) };
  for (const entry of [refused, other]) await w.reader.refused.add(entry);
  await w.sync(true);
  assert.deepEqual(await new RefusedList(w.reader.home).all(), [other]);
  await w.reader.refused.add(refused);
  using wait = soon();
  await unfollowRepository(w.reader, w.address, false, wait);
  assert.deepEqual(await new RefusedList(w.reader.home).all(), [other]);
});

Deno.test("what is within its budget is fetched", async () => {
  const { entries, tip } = emptyHistory();
  await using w = await world(packOf([...entries, zeros(1000)]), tip);
  const { signed } = await w.sync(true);
  assert.equal(signed.manifest.sequence, 1);
});

Deno.test("of what was refused the newest are remembered, whatever is in the file", async () => {
  await using temp = await tempDir();
  const { home, refused } = await makeParts(temp.path);
  const entry = (n: number) => ({
    sha256: n.toString(16).padStart(64, "0"),
    publisher: "a".repeat(64),
    name: "x",
    why: "too large",
  });
  await Promise.all(Array.from({ length: 300 }, (_, n) => refused.add(entry(n))));
  assert.equal((await refused.all()).length, 256);
  assert.equal(await refused.find([entry(0).sha256]), undefined);
  assert.deepEqual(await new RefusedList(home).find([entry(299).sha256]), entry(299));
  await refused.forget(entry(299));
  assert.equal(await new RefusedList(home).find([entry(299).sha256]), undefined);
  await Deno.writeTextFile(join(home.store, "refused.json"), "{");
  assert.deepEqual(await new RefusedList(home).all(), []);
});
