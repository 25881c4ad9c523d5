/** Packs of no more than a network can store. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { EngineParts } from "../../../../lib/engine/parts.ts";
import { makePacks } from "../../../../lib/engine/publish/make_packs.ts";
import { publishState } from "../../../../lib/engine/publish/publish.ts";
import { missingPacks } from "../../../../lib/manifest/missing_packs.ts";
import type { Manifest, PackRef } from "../../../../lib/manifest/types.ts";
import { commit, gitDirOf, initRepository, objectsOf } from "../../git_interface/fixture.ts";
import { git, makeParts, soon, tempDir } from "../fixture.ts";
import { MemoryNetwork, MemoryNode, transport } from "../memory_network.ts";

const LIMIT = 2 ** 20;

/** A working repository, and an engine on a network that stores no larger packs than it says. */
async function setUp(root: string) {
  const work = await initRepository(join(root, "work"));
  const network: { limit: number | undefined } = { limit: LIMIT };
  const parts = await makeParts(root, [
    new MemoryNode(new MemoryNetwork()),
    transport("nostr", { maxBytes: () => network.limit }),
  ]);
  return { work, network, parts, publish: () => publish(parts, work) };
}

async function publish(parts: EngineParts, work: string) {
  const repository = parts.store.repository(parts.key.publicKeyHex, "hello");
  using wait = soon();
  const { signed, changed } = await publishState(parts, repository, {
    refs: { "refs/heads/main": await git(work, ["rev-parse", "HEAD"]) },
    head: "refs/heads/main",
    objectFormat: "sha1",
    objectDirs: [objectsOf(work)],
  }, wait);
  assert.equal(await git(repository.path, ["fsck", "--full", "--no-dangling"]), "");
  return { manifest: signed.manifest, changed };
}

const large = ({ packs }: Manifest) => packs.filter(({ size }) => size > LIMIT);
const names = ({ packs }: { packs: readonly PackRef[] }) => packs.map(({ sha256 }) => sha256);

Deno.test("a base over the limit is split once, and nobody who has it fetches it again", async () => {
  await using temp = await tempDir();
  const { work, network, publish } = await setUp(temp.path);
  network.limit = undefined;
  for (const file of ["a", "b", "c", "d"]) await commit(work, file, 600_000);
  const { manifest: whole } = await publish();
  assert.deepEqual([whole.packs.length, large(whole).length], [1, 1]);

  network.limit = LIMIT;
  const { manifest: split, changed } = await publish();
  assert.ok(changed);
  assert.deepEqual(large(split), []);
  assert.ok(split.packs.length >= 3);
  assert.deepEqual(split.packs.at(-1)!.tips, whole.packs[0]!.tips);
  const held = { packs: new Set(names(whole)), objects: new Set(whole.packs[0]!.tips) };
  assert.deepEqual(missingPacks(split, held), []);

  for (const limit of [LIMIT, undefined]) {
    network.limit = limit;
    assert.equal((await publish()).changed, false);
  }
});

Deno.test("only the pack that is over the limit is split", async () => {
  await using temp = await tempDir();
  const { work, network, publish } = await setUp(temp.path);
  network.limit = undefined;
  for (const bytes of [4_000_000, 700_000, 300_000]) {
    for (const file of ["x", "y"]) await commit(work, `${file}-${bytes}`, bytes / 2);
    await publish();
  }
  const { manifest: before } = await publish();
  assert.equal(before.packs.length, 3);
  network.limit = 2 * LIMIT;
  await commit(work, "small");
  const { manifest: after } = await publish();
  assert.deepEqual(names(after).slice(-3, -1), names(before).slice(1));
  assert.deepEqual(after.packs.at(-4)!.tips, before.packs[0]!.tips);
  assert.ok(after.packs.every(({ size }) => size <= 2 * LIMIT));
});

Deno.test("small publications merge up to the limit, and full packs stay as they are", async () => {
  await using temp = await tempDir();
  const { work, publish } = await setUp(temp.path);
  const written = new Map<string, number>();
  let added = 0;
  for (let i = 0; i < 24; i++) {
    await commit(work, `file-${i}`, 150_000);
    added += 150_000;
    const { manifest } = await publish();
    assert.deepEqual(large(manifest), []);
    assert.ok(manifest.packs.length <= 2 * added / LIMIT + 5, `${manifest.packs.length} packs`);
    for (const { sha256, size } of manifest.packs) written.set(sha256, size);
  }
  const bytes = [...written.values()].reduce((sum, size) => sum + size, 0);
  assert.ok(bytes < 4 * added, `${bytes} bytes were written for ${added}`);
});

Deno.test("a single object over the limit is a pack of its own, and stays it", async () => {
  await using temp = await tempDir();
  const { work, publish } = await setUp(temp.path);
  await commit(work, "small");
  await commit(work, "big", 3_000_000);
  const { manifest } = await publish();
  const [big, ...more] = large(manifest);
  assert.deepEqual([big?.objects, more], [1, []]);
  const directory = join(temp.path, "out");
  await Deno.mkdir(directory);
  using wait = soon();
  const again = await makePacks({
    gitDir: gitDirOf(work),
    objectDirs: [],
    previous: manifest.packs,
    refs: manifest.refs,
    fromScratch: false,
    maxPack: LIMIT,
    directory,
  }, wait);
  assert.deepEqual(again, { packs: manifest.packs, made: [] }); // without trying to split it
  await commit(work, "next");
  assert.ok(names((await publish()).manifest).includes(big!.sha256));
});

Deno.test("a large file that goes and comes back is listed once", async () => {
  await using temp = await tempDir();
  const { work, publish } = await setUp(temp.path);
  const [one, other] = [randomBytes(3_000_000), randomBytes(2_000_000)];
  let before: PackRef[] = [];
  for (const content of [one, other, randomBytes(10), one, other]) {
    await Deno.writeFile(join(work, "big"), content);
    await git(work, ["add", "big"]);
    await git(work, ["commit", "-qm", "big"]);
    const { manifest } = await publish();
    assert.equal(new Set(names(manifest)).size, manifest.packs.length);
    assert.deepEqual(large(manifest).slice(0, before.length), before);
    before = large(manifest);
  }
});

Deno.test("a limit that would make more packs than a manifest lists is exceeded", async () => {
  await using temp = await tempDir();
  const { work } = await setUp(temp.path);
  const tips = [await commit(work, "a")];
  // As if there were 250 GiB already.
  const previous = Array.from({ length: 250 }, (_, i) => ({
    sha256: `${i}`,
    size: 2 ** 30,
    infohash: "",
    objects: 1000,
    tips,
  }));
  for (const file of ["b", "c", "d"]) await commit(work, file, 700_000);
  const directory = join(temp.path, "out");
  await Deno.mkdir(directory);
  using wait = soon();
  const { packs, made } = await makePacks({
    gitDir: gitDirOf(work),
    objectDirs: [],
    previous,
    refs: { "refs/heads/main": await git(work, ["rev-parse", "HEAD"]) },
    fromScratch: false,
    maxPack: LIMIT,
    directory,
  }, wait);
  assert.deepEqual(packs.slice(0, -1), previous);
  assert.equal(made.length, 1);
});
