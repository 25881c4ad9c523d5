import assert from "node:assert/strict";
import { join } from "node:path";
import { GtrError } from "../../../lib/common/errors.ts";
import { bundleParts, importBundle } from "../../../lib/engine/bundle.ts";
import type { EngineParts } from "../../../lib/engine/parts.ts";
import { publishState } from "../../../lib/engine/publish/publish.ts";
import { signManifest } from "../../../lib/manifest/manifest.ts";
import type { Manifest, SignedManifest } from "../../../lib/manifest/types.ts";
import type { OpenNetwork } from "../../../lib/ports/network.ts";
import { writeBundle } from "../../../lib/store/write_bundle.ts";
import { until } from "../../e2e/until.ts";
import { git, initRepository, objectsOf } from "../git_interface/fixture.ts";
import { emptyCommit, makeParts, soon, tempDir } from "./fixture.ts";
import { MemoryNetwork, MemoryNode } from "./memory_network.ts";

/** A publisher without readers, and a file to carry things in. */
async function world() {
  const temp = await tempDir();
  const network = new MemoryNetwork();
  const publisher = await makeParts(temp.path, [new MemoryNode(network)]);
  const work = await initRepository(join(temp.path, "work"));
  const repository = publisher.store.repository(publisher.key.publicKeyHex, "hello");
  const file = join(temp.path, "hello.gtr");
  let tip: string | undefined;
  return {
    network,
    publisher,
    repository,
    file,
    /** Publishes one more commit. */
    async publish(): Promise<Manifest> {
      tip = await emptyCommit(work, { parent: tip });
      using wait = soon();
      using _lock = await repository.lock(wait);
      const { signed } = await publishState(publisher, repository, {
        refs: { "refs/heads/main": tip },
        head: "refs/heads/main",
        objectFormat: "sha1",
        objectDirs: [objectsOf(work)],
      }, wait);
      return signed.manifest;
    },
    /** Writes a bundle, of what is published or of another manifest over its packs. */
    async export(change: (signed: SignedManifest) => SignedManifest = (s) => s): Promise<void> {
      using wait = soon();
      const { signed, packs } = await bundleParts(publisher, repository, wait);
      await writeBundle(file, change(signed), packs.map(({ path }) => path), wait);
    },
    /** Signs the publisher's manifest with changes. */
    resign: (changes: Partial<Manifest>) => (signed: SignedManifest): SignedManifest =>
      signManifest({ ...signed.manifest, ...changes }, publisher.key),
    reader: (
      seed: number,
      env: Record<string, string> = {},
      networks: readonly OpenNetwork[] = [],
    ) => makeParts(temp.path, networks, { seed, env }),
    [Symbol.asyncDispose]: () => temp[Symbol.asyncDispose](),
  };
}

async function imports(parts: EngineParts, file: string) {
  using wait = soon();
  return await importBundle(parts, file, wait);
}

/** Fails unless the import is refused for this reason, with the file named and a hint. */
async function refuses(parts: EngineParts, file: string, code: string): Promise<void> {
  await assert.rejects(imports(parts, file), (error) => {
    assert.ok(error instanceof GtrError, String(error));
    assert.equal(error.code, code, error.message);
    assert.ok(error.message.startsWith(`can't import ${file}: `), error.message);
    assert.ok(error.hint);
    return true;
  });
}

Deno.test("import: what is stored is what was published; it is followed and offered", async () => {
  await using w = await world();
  await w.publish();
  const { publisher, name, refs } = await w.publish();
  await w.export();
  const reader = await w.reader(2);
  const { changed, signed } = await imports(reader, w.file);
  assert.deepEqual([changed, signed.manifest.name], [true, name]);
  const stored = reader.store.repository(publisher, name);
  assert.equal(await git(stored.path, ["rev-parse", "main"]), refs["refs/heads/main"]);
  assert.equal(await git(stored.path, ["fsck", "--full", "--no-dangling"]), "");
  assert.ok(await reader.follows.has({ publisher, name }));
  assert.equal((await imports(reader, w.file)).changed, false);
});

Deno.test("import: what was imported is offered to the networks, and progress counts its bytes", async () => {
  await using w = await world();
  await w.publish();
  const { packs, sequence } = await w.publish();
  await w.export();
  w.network.announced.clear();
  const reader = await w.reader(2, {}, [new MemoryNode(w.network)]);
  const told: (readonly [number, number, string])[] = [];
  using wait = soon();
  await importBundle(reader, w.file, {
    signal: wait.signal,
    progress: (...report) => void told.push(report),
  });
  const total = packs.reduce((sum, { size }) => sum + size, 0);
  assert.deepEqual(told.findLast(([, , what]) => what === "Reading packs"), [
    total,
    total,
    "Reading packs",
  ]);
  await until("it is announced", () => Promise.resolve(w.network.announced.size === 1));
  assert.match(
    reader.logged.join("\n"),
    new RegExp(`^imported hello: publication ${sequence}$`, "m"),
  );
  assert.equal((await reader.follows.list())[0]?.scheme, "torrent");
});

Deno.test("import: one's own repository comes back, and is not followed", async () => {
  await using w = await world();
  const { publisher, name } = await w.publish();
  await w.export();
  await w.repository.purge();
  assert.equal((await imports(w.publisher, w.file)).changed, true);
  assert.equal(await w.publisher.follows.has({ publisher, name }), false);
});

Deno.test("import: a lost pack is mended from the bundle", async () => {
  await using w = await world();
  const { publisher, name, packs } = await w.publish();
  await w.export();
  const reader = await w.reader(2);
  await imports(reader, w.file);
  const stored = reader.store.repository(publisher, name);
  await Deno.remove(stored.packPath(packs[0]!.sha256));
  assert.equal((await imports(reader, w.file)).changed, true);
  assert.equal((await stored.heldPacks()).length, packs.length);
});

Deno.test("import: older than known, or another of the same number, is refused", async () => {
  await using w = await world();
  const { sequence } = await w.publish();
  await w.export();
  const reader = await w.reader(2);
  await imports(reader, w.file);
  await w.export(w.resign({ description: "another" }));
  await refuses(reader, w.file, "forked-manifest");
  await w.export(w.resign({ sequence: sequence - 1 }));
  await refuses(reader, w.file, "rolled-back");
  const stored = reader.store.repository(w.publisher.key.publicKeyHex, "hello");
  assert.equal((await stored.manifest())?.manifest.sequence, sequence);
  assert.equal(reader.dropped.toJSON()["rolled-back"], 1);
});

Deno.test("import: a manifest whose packs don't hold its refs leaves nothing behind", async () => {
  await using w = await world();
  await w.publish();
  await w.export(w.resign({ refs: { "refs/heads/main": "12".repeat(20) } }));
  const reader = await w.reader(2);
  await refuses(reader, w.file, "missing-objects");
  assert.deepEqual(await reader.store.repositories(), []);
  assert.deepEqual(await reader.follows.list(), []);
});

Deno.test("import: quotas hold for what is carried by hand, too", async () => {
  await using w = await world();
  await w.publish();
  await w.export();
  const reader = await w.reader(2, { GTR_STORE_REPOSITORYQUOTA: "100" });
  await refuses(reader, w.file, "over-quota");
  assert.deepEqual(await reader.store.repositories(), []);
});

Deno.test("export: a pack that is missing is fetched first", async () => {
  await using w = await world();
  const { packs } = await w.publish();
  await w.publisher.seeder.offer(w.repository);
  const [first] = packs;
  const path = w.repository.packPath(first!.sha256);
  const elsewhere = `${w.file}.pack`;
  await Deno.rename(path, elsewhere);
  w.network.seeded.set(first!.sha256, [elsewhere]);
  await w.export();
  assert.equal((await imports(await w.reader(2), w.file)).changed, true);
});
