import assert from "node:assert/strict";
import { join } from "node:path";
import { Home } from "../../../lib/common/home.ts";
import { listRefs } from "../../../lib/git_interface/refs.ts";
import { Store } from "../../../lib/store/store.ts";
import { commit, git, tempDir } from "../git_interface/fixture.ts";
import { follow, fsck, lenient, Publisher, readerOf, snapshot } from "./fixture.ts";

async function setUp(root: string) {
  const publisher = await Publisher.create(root);
  const home = join(root, "home");
  return { publisher, home, store: new Store(new Home(home)), reader: readerOf(publisher, home) };
}

Deno.test("names that could lead out of the store are refused", async () => {
  await using temp = await tempDir();
  const store = new Store(new Home(temp.path));
  const key = "ab".repeat(32);
  for (const publisher of ["", "..", "ab", key.toUpperCase(), `${key}/`, `../${key.slice(3)}`]) {
    assert.throws(() => store.repository(publisher, "hello"), { code: "bad-publisher" });
  }
  for (
    const name of ["", ".", "..", "../x", "a/b", "/etc", "a\0b", ".hidden", "-x", "a.lock", "a.git"]
  ) {
    assert.throws(() => store.repository(key, name), { code: "bad-name" });
  }
  const repository = store.repository(key, "hello");
  for (const sha256 of ["", "../../x", "A".repeat(64), "a".repeat(63)]) {
    assert.throws(() => repository.packPath(sha256), { code: "bad-pack-name" });
    assert.throws(() => repository.incomingPath(sha256), { code: "bad-pack-name" });
  }
  assert.deepEqual(await Array.fromAsync(Deno.readDir(temp.path)), []); // asking made nothing
});

Deno.test("repositories are listed, and publishers found by id", async () => {
  await using temp = await tempDir();
  const { publisher, store, reader, home } = await setUp(temp.path);
  assert.deepEqual(await store.repositories(), []);
  assert.equal(await store.publisherKey(publisher.key.id), undefined);
  assert.equal(await reader.exists(), false);
  await reader.create("sha1");
  await store.repository(publisher.key.publicKeyHex, "b").create("sha256");
  await Deno.mkdir(join(home, "store", "not-a-key", "x.git"), { recursive: true });
  await Deno.mkdir(join(home, "store", reader.publisher, "no-repository.git"));
  await Deno.mkdir(join(home, "store", reader.publisher, "-odd.git"));
  const listed = (await store.repositories()).map(({ publisher, name }) => ({ publisher, name }));
  assert.deepEqual(listed.sort((a, b) => a.name < b.name ? -1 : 1), [
    { publisher: reader.publisher, name: "b" },
    { publisher: reader.publisher, name: "hello" },
  ]);
  assert.equal(await store.publisherKey(publisher.key.id), reader.publisher);
});

Deno.test("a repository is made once, with one object format, without hooks or gc", async () => {
  await using temp = await tempDir();
  const { reader, home } = await setUp(temp.path);
  await Promise.all(Array.from({ length: 5 }, () => readerAgain().create("sha256")));
  await assert.rejects(reader.create("sha1"), { code: "object-format-changed", hint: /unfollow/ });
  const names = (await Array.fromAsync(Deno.readDir(reader.path))).map(({ name }) => name).sort();
  assert.deepEqual(names, ["HEAD", "config", "gtr", "objects", "refs"]);
  assert.equal(await git(reader.path, ["rev-parse", "--show-object-format"]), "sha256");
  assert.equal(await git(reader.path, ["config", "maintenance.auto"]), "false");
  const beside = await Array.fromAsync(Deno.readDir(join(home, "store", reader.publisher)));
  assert.deepEqual(beside.map(({ name }) => name).sort(), ["hello.git", "hello.lock"]);

  function readerAgain() {
    return new Store(new Home(home)).repository(reader.publisher, reader.name);
  }
});

Deno.test("purging leaves nothing", async () => {
  await using temp = await tempDir();
  const { publisher, reader, home } = await setUp(temp.path);
  await commit(publisher.work, "a");
  await follow(reader, await publisher.publication());
  {
    using _lock = await reader.lock(lenient);
    await reader.purge();
  }
  assert.deepEqual(await Array.fromAsync(Deno.readDir(join(home, "store"))), []);
  await reader.purge(); // twice is fine
  await follow(reader, await publisher.publication()); // and it can come back
});

Deno.test("leftovers of a killed process are finished or removed", async () => {
  await using temp = await tempDir();
  const { publisher, store, reader, home } = await setUp(temp.path);
  await commit(publisher.work, "a");
  const one = await publisher.publication();
  await follow(reader, one);
  await commit(publisher.work, "b");
  await follow(reader, await publisher.publication(one.signed.manifest.packs));
  const refs = await publisher.refs();
  const clean = await snapshot(join(home, "store"));

  const own = join(reader.path, "gtr");
  const packs = join(reader.path, "objects", "pack");
  const unlisted = "0".repeat(64);
  for (
    const path of [
      join(packs, "tmp_pack_abc"),
      join(packs, "multi-pack-index"),
      join(packs, `pack-${unlisted}.pack`),
      join(packs, `pack-${unlisted}.idx`),
      join(own, "manifest.json.0123456789ab.tmp"),
      join(own, "retired", `${unlisted}.pack`),
      join(own, "quarantine-00", "pack", "x.idx"),
      reader.incomingPath(one.added[0]!.pack.sha256), // it is in the store
      `${reader.incomingPath(one.added[0]!.pack.sha256)}.holepunch`,
      join(own, "outgoing", "pack-00.pack"),
      join(reader.path, "packed-refs.0123456789ab.tmp"),
      join(home, "store", reader.publisher, ".hello.0123456789ab.tmp", "HEAD"),
      join(home, "store", reader.publisher, ".never.0123456789ab.tmp", "HEAD"),
    ]
  ) {
    await Deno.mkdir(join(path, ".."), { recursive: true });
    await Deno.writeTextFile(path, "left over");
  }
  // Killed after the manifest was written and before its refs were.
  await git(reader.path, ["update-ref", "refs/heads/main", "HEAD~1"]);
  await git(reader.path, ["update-ref", "refs/heads/gone", "HEAD"]);
  await git(reader.path, ["symbolic-ref", "HEAD", "refs/heads/gone"]);
  // A pack whose download goes on is kept, one that nobody came back for is not.
  const [resumed, stale] = [
    reader.incomingPath("1".repeat(64)),
    reader.incomingPath("2".repeat(64)),
  ];
  await Deno.writeTextFile(resumed, "half");
  await Deno.writeTextFile(stale, "half");
  await Deno.utime(stale, 1000, 1000);

  assert.deepEqual(await store.repair(), []);
  assert.equal(await Deno.readTextFile(resumed), "half");
  await Deno.remove(resumed);
  const repaired = await snapshot(join(home, "store"));
  delete repaired[join(home, "store", reader.publisher, "never.lock")];
  assert.deepEqual(repaired, clean);
  assert.deepEqual(await listRefs(reader.path, ["refs"]), new Map(Object.entries(refs)));
  assert.equal(await fsck(reader), "");
});

Deno.test("a pack that was about to be retired is retired by the repair", async () => {
  await using temp = await tempDir();
  const { publisher, store, reader } = await setUp(temp.path);
  await commit(publisher.work, "a");
  await follow(reader, await publisher.publication());
  await commit(publisher.work, "b");
  await follow(reader, await publisher.publication());
  const [retired] = await reader.retiredPacks();
  assert.ok(retired);
  await Deno.rename(retired.path, reader.packPath(retired.pack.sha256)); // not yet moved
  assert.deepEqual(await store.repair(), []);
  assert.deepEqual(await reader.retiredPacks(), [retired]);
});

Deno.test("a store damaged by hand is told, and mended by the next manifest", async () => {
  await using temp = await tempDir();
  const { publisher, store, reader } = await setUp(temp.path);
  await commit(publisher.work, "a");
  const one = await publisher.publication();
  await follow(reader, one);
  const manifest = join(reader.path, "gtr", "manifest.json");
  const good = await Deno.readTextFile(manifest);
  for (const bad of ["", "{", "[]", good.replace('"sequence":1', '"sequence":2'), "\xff"]) {
    await Deno.writeTextFile(manifest, bad);
    const damaged = { name: "VerificationError", code: "damaged-store", hint: /remove the file/ };
    await assert.rejects(reader.manifest(), damaged);
    assert.deepEqual((await store.repair()).map(({ code }) => code), ["damaged-store"]);
    assert.equal(await reader.highestSequence(), 1);
  }
  await reader.accept(one.signed, [], lenient);
  assert.equal(await Deno.readTextFile(manifest), good);

  await Deno.writeTextFile(manifest, JSON.stringify(JSON.parse(good), null, 2)); // only formatted
  assert.deepEqual((await reader.manifest())?.bytes, one.signed.bytes);

  await Deno.writeTextFile(join(reader.path, "gtr", "state.json"), "{}");
  assert.equal((await reader.state()).sequence, 1);
  await Deno.rename(manifest, `${manifest}.aside`);
  await assert.rejects(reader.state(), { code: "damaged-store", hint: /remove the file/ });
  await Deno.rename(`${manifest}.aside`, manifest);
  assert.equal(await reader.highestSequence(), 1);
  assert.deepEqual((await reader.packs()).length, 1);
  assert.deepEqual(await store.repair(), []);
  assert.equal(await fsck(reader), "");

  await Deno.remove(join(reader.path, "gtr", "state.json"));
  await Deno.remove(reader.packPath(one.added[0]!.pack.sha256));
  assert.equal((await reader.state()).packs.length, 1); // known, so that it is missed ...
  assert.deepEqual([await reader.packs(), await reader.heldTips()], [[], new Set()]);
  await follow(reader, one); // ... and comes back
  assert.equal(await fsck(reader), "");
});
