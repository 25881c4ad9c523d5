/** What makes a manifest the current one, where something was left by a crash or is in the way. */
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import type { PackRef } from "../../../lib/manifest/types.ts";
import { commitManifest } from "../../../lib/store/commit_manifest.ts";
import { RepoPaths } from "../../../lib/store/repo_paths.ts";
import { readState, writeState } from "../../../lib/store/repo_state.ts";
import type { StoredRepository } from "../../../lib/store/stored_repository.ts";
import type { PackFile } from "../../../lib/manifest/pack_file.ts";
import { commit, git, tempDir } from "../git_interface/fixture.ts";
import { follow, fsck, type Publication, Publisher, readerOf, snapshot } from "./fixture.ts";

const statePath = (reader: StoredRepository) => join(reader.path, "gtr", "state.json");

const pathsOf = ({ path, publisher }: StoredRepository) =>
  new RepoPaths(dirname(dirname(path)), publisher, "hello");

async function setUp(root: string) {
  const publisher = await Publisher.create(root);
  const reader = readerOf(publisher, join(root, "home"));
  await commit(publisher.work, "a", 3000);
  const first = await publisher.publication();
  await follow(reader, first);
  return { publisher, reader, first };
}

/** Commits a publication as a process would that is killed right after the manifest is written. */
async function killedAfterManifest(
  reader: StoredRepository,
  { signed, added }: Publication,
  whole: readonly PackFile[],
  packs?: readonly PackRef[],
) {
  const tags = join(reader.path, "refs", "tags");
  await Deno.remove(tags);
  await Deno.writeTextFile(tags, ""); // refs can't be updated: that comes next
  const state = await reader.state();
  await commitManifest(pathsOf(reader), signed, added, state, whole, packs);
  assert.notEqual((await readState(statePath(reader)))?.sequence, signed.manifest.sequence);
  await Deno.remove(tags);
  await Deno.mkdir(tags);
  assert.equal((await reader.manifest())?.manifest.sequence, signed.manifest.sequence);
}

async function assertSound(reader: StoredRepository, { signed }: Publication) {
  assert.ok(await reader.isWhole());
  await reader.repair();
  assert.ok(await reader.isWhole());
  assert.equal(await fsck(reader), "");
  assert.equal(
    await git(reader.path, ["rev-parse", "main"]),
    signed.manifest.refs["refs/heads/main"],
  );
}

Deno.test("commit: a plan that was never in force is void, also for a manifest of its number", async () => {
  await using temp = await tempDir();
  const { publisher, reader, first } = await setUp(temp.path);
  await commit(publisher.work, "b");
  const second = await publisher.publication(first.signed.manifest.packs);
  // What is only announced was planned with this number, and a crash came before its manifest.
  const { sequence } = second.signed.manifest;
  const planned = [{ ...first.signed.manifest.packs[0]!, sha256: "0".repeat(64) }];
  const state = (await readState(statePath(reader)))!;
  await writeState(statePath(reader), { ...state, planned: { sequence, packs: planned } });

  await killedAfterManifest(reader, second, await reader.packs());
  assert.equal((await readState(statePath(reader)))?.planned, undefined);
  assert.deepEqual((await reader.packs()).map(({ pack }) => pack), second.signed.manifest.packs);
  await assertSound(reader, second);
});

Deno.test("commit: a file that a crash left is not taken for a pack that was checked", async () => {
  await using temp = await tempDir();
  const { publisher, reader, first } = await setUp(temp.path);
  // The publisher packs anew: the reader has the content of the first pack, and fetches the other.
  const merged = await publisher.pack();
  await commit(publisher.work, "b");
  const fresh = await publisher.pack([merged.pack]);
  const pack = { ...merged.pack, sha256: "0".repeat(64) };
  const signed = await publisher.sign([pack, fresh.pack]);
  const left = reader.packPath(pack.sha256);
  await Deno.writeFile(left, new Uint8Array(pack.size));
  await Deno.writeFile(left.replace(/pack$/, "idx"), new Uint8Array(100));

  const second = { signed, added: [fresh] };
  await killedAfterManifest(reader, second, await reader.packs());
  await assert.rejects(Deno.stat(left), Deno.errors.NotFound);
  const packs = [...first.signed.manifest.packs, fresh.pack];
  assert.deepEqual((await reader.packs()).map(({ pack }) => pack), packs);
  await assertSound(reader, second);
});

Deno.test("commit: what is only announced consists of what was planned, once it is in force", async () => {
  await using temp = await tempDir();
  const { publisher, reader, first } = await setUp(temp.path);
  await commit(publisher.work, "b");
  const fresh = await publisher.pack(first.signed.manifest.packs);
  const signed = await publisher.sign([], { flow: "announce" });
  const second = { signed, added: [fresh] };
  const packs = [...first.signed.manifest.packs, fresh.pack];
  await killedAfterManifest(reader, second, await reader.packs(), packs);
  assert.deepEqual((await reader.packs()).map(({ pack }) => pack), packs);
  await assertSound(reader, second);
});

Deno.test("commit: where the manifest can't be written, the new packs are gone again", async () => {
  await using temp = await tempDir();
  const { publisher, reader, first } = await setUp(temp.path);
  await commit(publisher.work, "b");
  const { signed, added } = await publisher.publication(first.signed.manifest.packs);
  const before = await snapshot(reader.path);
  const [state, whole] = [await reader.state(), await reader.packs()];
  const path = join(reader.path, "gtr", "manifest.json");
  const text = await Deno.readTextFile(path);
  await Deno.remove(path);
  await Deno.mkdir(join(path, "x"), { recursive: true }); // no file can take the place of a folder
  await assert.rejects(commitManifest(pathsOf(reader), signed, added, state, whole));
  await Deno.remove(path, { recursive: true });
  await Deno.writeTextFile(path, text);
  assert.deepEqual(await snapshot(reader.path), before);
});

Deno.test("commit: without its plan, what is only announced isn't in force either", async () => {
  await using temp = await tempDir();
  const { publisher, reader, first } = await setUp(temp.path);
  await commit(publisher.work, "b");
  const fresh = await publisher.pack(first.signed.manifest.packs);
  const signed = await publisher.sign([], { flow: "announce" });
  const packs = [...first.signed.manifest.packs, fresh.pack];
  const [state, whole] = [await reader.state(), await reader.packs()];
  const text = await Deno.readTextFile(statePath(reader));
  await Deno.remove(statePath(reader));
  const before = await snapshot(reader.path);
  await Deno.mkdir(statePath(reader)); // no file can take the place of a folder
  await assert.rejects(commitManifest(pathsOf(reader), signed, [fresh], state, whole, packs));
  await Deno.remove(statePath(reader));
  assert.deepEqual(await snapshot(reader.path), before);
  await Deno.writeTextFile(statePath(reader), text);
  await assertSound(reader, first);
});

Deno.test("commit: once the manifest is in place, its packs stay, though the disk fails", async () => {
  await using temp = await tempDir();
  const { publisher, reader, first } = await setUp(temp.path);
  let packs = first.signed.manifest.packs;
  for (const canRead of [true, false]) {
    await commit(publisher.work, "b");
    const next = await publisher.publication(packs);
    packs = next.signed.manifest.packs;
    const [state, whole] = [await reader.state(), await reader.packs()];
    const restore = failAfterManifest(canRead);
    try {
      const { signed, added } = next;
      const committed = commitManifest(pathsOf(reader), signed, added, state, whole);
      await assert.rejects(committed, { name: "StoreError", message: /too many open files/ });
    } finally {
      restore();
    }
    assert.equal((await reader.manifest())?.manifest.sequence, next.signed.manifest.sequence);
    await assertSound(reader, next);
  }
});

/** Nothing can be opened any more as soon as the manifest has its name; or files can, to be read. */
function failAfterManifest(canRead: boolean): () => void {
  const { rename, open, readFile } = Deno;
  let isInPlace = false;
  const failing = <A extends unknown[], T>(work: (...args: A) => Promise<T>, isFine = false) => ({
    configurable: true,
    writable: true,
    value: (...args: A) =>
      isInPlace && !isFine
        ? Promise.reject(Object.assign(new Error("too many open files"), { code: "EMFILE" }))
        : work(...args),
  });
  Object.defineProperties(Deno, {
    open: failing(open),
    readFile: failing(readFile, canRead),
    rename: {
      configurable: true,
      writable: true,
      value: async (from: string, to: string) => {
        await rename(from, to);
        if (to.endsWith("/gtr/manifest.json")) isInPlace = true;
      },
    },
  });
  return () => void Object.assign(Deno, { rename, open, readFile });
}

Deno.test("commit: packs in the store can't be written to", async () => {
  await using temp = await tempDir();
  const { reader } = await setUp(temp.path);
  for (const { path } of await reader.packs()) {
    assert.equal((await Deno.stat(path)).mode! & 0o777, 0o444);
  }
});

Deno.test("commit: packs that none needs any more are kept for a while, beside the objects", async () => {
  await using temp = await tempDir();
  const { publisher, reader, first } = await setUp(temp.path);
  await commit(publisher.work, "b");
  const second = await publisher.publication();
  await follow(reader, second);
  assert.deepEqual((await reader.retiredPacks()).map(({ pack }) => pack), [
    first.signed.manifest.packs[0],
  ]);
  assert.deepEqual((await reader.packs()).map(({ pack }) => pack), second.signed.manifest.packs);
  await assertSound(reader, second);
  assert.equal(await reader.dropRetired(3600), 0);
  assert.equal(await reader.dropRetired(0), 1);
  assert.deepEqual((await reader.state()).retired, [], "and it is known to be gone");
  assert.equal(await reader.dropRetired(0), 0);
  assert.deepEqual(await reader.retiredPacks(), []);
  assert.deepEqual(await Array.fromAsync(Deno.readDir(join(reader.path, "gtr", "retired"))), []);
});
