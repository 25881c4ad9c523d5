import assert from "node:assert/strict";
import { join } from "node:path";
import { sleep } from "../../../lib/common/wait.ts";
import { Engine } from "../../../lib/engine/engine.ts";
import { changeRepository } from "../../../lib/engine/parts.ts";
import { plannedPacks } from "../../../lib/engine/publish/plan.ts";
import { writeState } from "../../../lib/store/repo_state.ts";
import { initRepository, objectsOf } from "../git_interface/fixture.ts";
import { emptyCommit, git, share, sharedRepository, soon } from "./fixture.ts";
import { World } from "./engines.ts";
import { MemoryNode } from "./memory_network.ts";

async function publish(engine: Engine, gitDir: string, options: { replace?: boolean } = {}) {
  using wait = soon();
  return await engine.publish(gitDir, wait, options);
}
async function sync(engine: Engine, url: string) {
  using wait = soon();
  return await engine.sync(url, wait);
}
async function refsOf(engine: Engine, url: string) {
  const { signed, repository } = await sync(engine, url);
  assert.equal(await git(repository.path, ["fsck", "--full", "--no-dangling"]), "");
  await git(repository.path, ["rev-list", "--objects", "--all", "--quiet"]);
  return signed.manifest.refs;
}
async function commit(path: string, branch = "main"): Promise<string> {
  const parent = await git(path, ["rev-parse", "-q", "--verify", branch]).catch(() => undefined);
  return await emptyCommit(path, { parent, branch });
}
const main = "refs/heads/main";

Deno.test("what one engine publishes another follows: first with no commit, then commit by commit", async () => {
  await using world = await World.make();
  const [sharer, reader] = [await world.engine("sharer"), await world.engine("reader")];
  const { path, gitDir } = await sharedRepository(world.root, sharer.parts.home);
  const empty = await publish(sharer, gitDir);
  const url = empty.addresses.torrent!;
  assert.equal(url, `torrent://${sharer.parts.key.id}/hello`);
  assert.deepEqual([empty.changed, empty.warnings], [true, []]);
  assert.deepEqual(await refsOf(reader, url), {});

  for (let n = 0; n < 3; n++) {
    const tip = await commit(path);
    const { changed, sequence } = await publish(sharer, gitDir);
    assert.equal(changed, true);
    assert.deepEqual(await refsOf(reader, url), { [main]: tip });
    assert.deepEqual(await publish(sharer, gitDir), {
      changed: false,
      sequence,
      addresses: empty.addresses,
      warnings: [],
      diverged: [],
    });
  }
});

Deno.test("only shared branches and the tags they reach are published", async () => {
  await using world = await World.make();
  const sharer = await world.engine("sharer");
  const { path, gitDir } = await sharedRepository(world.root, sharer.parts.home);
  const shared = await commit(path);
  const secret = await emptyCommit(path, { parent: shared, branch: "secret" });
  await git(path, ["tag", "in", shared]);
  await git(path, ["tag", "out", secret]);
  const { addresses } = await publish(sharer, gitDir);
  const reader = await world.engine("reader");
  assert.deepEqual(await refsOf(reader, addresses.torrent!), {
    [main]: shared,
    "refs/tags/in": shared,
  });
  const { path: store } = sharer.parts.store.repository(sharer.parts.key.publicKeyHex, "hello");
  await assert.rejects(git(store, ["cat-file", "-e", secret]));

  await share(sharer.parts.home, gitDir, "hello", ["main", "secret"], "all");
  await publish(sharer, gitDir);
  assert.equal(Object.keys(await refsOf(reader, addresses.torrent!)).length, 4);
  await share(sharer.parts.home, gitDir, "hello", ["main"]);
  await publish(sharer, gitDir);
  await assert.rejects(git(store, ["cat-file", "-e", secret]));
  assert.equal(Object.keys(await refsOf(reader, addresses.torrent!)).length, 2);
});

Deno.test("HEAD names the branch shared first; without it the one checked out, else any there is", async () => {
  await using world = await World.make();
  const engine = await world.engine("alice");
  const { path, gitDir } = await sharedRepository(world.root, engine.parts.home);
  await share(engine.parts.home, gitDir, "hello", ["main", "docs", "next"]);
  const url = (await publish(engine, gitDir)).addresses.torrent!;
  const head = async () => {
    await publish(engine, gitDir);
    return (await sync(engine, url)).signed.manifest.head;
  };
  assert.equal(await head(), main, "before any commit");
  await commit(path, "docs");
  assert.equal(await head(), "refs/heads/docs");
  await commit(path);
  await commit(path, "next");
  await git(path, ["symbolic-ref", "HEAD", "refs/heads/next"]);
  assert.equal(await head(), main, "whatever is checked out");
  await git(path, ["branch", "-m", "main", "trunk"]);
  assert.equal(await head(), "refs/heads/trunk", "a rename is followed");
  await git(path, ["branch", "-D", "-q", "trunk"]);
  assert.equal(await head(), "refs/heads/next", "once it is deleted");
});

Deno.test("one that shares nothing any more leaves the store and the network, and can come back", async () => {
  await using world = await World.make();
  const sharer = await world.engine("sharer");
  const { path, gitDir } = await sharedRepository(world.root, sharer.parts.home);
  await commit(path);
  const first = await publish(sharer, gitDir);
  await share(sharer.parts.home, gitDir, "hello", []);
  assert.deepEqual(await publish(sharer, gitDir), {
    addresses: {},
    sequence: 0,
    changed: true,
    warnings: [],
    diverged: [],
  });
  assert.deepEqual(await sharer.parts.store.repositories(), []);
  assert.deepEqual([world.network.announced.size, world.network.seeded.size], [0, 0]);
  assert.equal((await publish(sharer, gitDir)).changed, false);
  const reader = await world.engine("reader");
  await assert.rejects(sync(reader, first.addresses.torrent!), { code: "nobody-answered" });

  await share(sharer.parts.home, gitDir, "hello", ["main"]);
  const again = await publish(sharer, gitDir);
  assert.ok(again.sequence >= first.sequence);
  await refsOf(reader, first.addresses.torrent!);
});

Deno.test("a repository that was never shared is refused, or taken off where its folder is gone", async () => {
  await using world = await World.make();
  const sharer = await world.engine("sharer");
  const path = await initRepository(join(world.root, "other"));
  assert.equal((await publish(sharer, join(path, ".git"))).changed, false);
  const { gitDir } = await sharedRepository(world.root, sharer.parts.home);
  await Deno.remove(join(gitDir, "gtr"), { recursive: true });
  await assert.rejects(publish(sharer, gitDir), { code: "not-shared", hint: /gtr init/ });
  await Deno.remove(join(gitDir, ".."), { recursive: true });
  await assert.rejects(publish(sharer, gitDir), { code: "folder-gone", hint: /gtr init where/ });
  assert.match(
    (await sharer.hindrances()).join(),
    /^hello: can't publish .*: this folder is gone$/,
  );
});

Deno.test("a push makes, changes and joins with the working repository", async () => {
  await using world = await World.make();
  const [sharer, reader] = [await world.engine("sharer"), await world.engine("reader")];
  const clone = await initRepository(join(world.root, "clone"));
  const url = `torrent://${sharer.parts.key.id}/pushed`;
  const push = async (ref: string, oid: string | null, engine = sharer) => {
    using wait = soon();
    const update = { ref, oid, force: false };
    const objectDirs = [objectsOf(clone)];
    return await engine.push(url, { objectDirs, objectFormat: "sha1", updates: [update] }, wait);
  };
  const first = await commit(clone);
  assert.deepEqual(await push("refs/heads/-x", first), [{
    ref: "refs/heads/-x",
    ok: false,
    why: "only branches and tags with valid names can be shared",
  }]);
  assert.deepEqual(
    await sharer.parts.store.repositories(),
    [],
    "nothing was taken, nothing is made",
  );
  await assert.rejects(push(main, first, reader), { code: "not-yours", hint: /your own copy/ });

  assert.deepEqual(await push(main, first), [{ ref: main, ok: true }]);
  assert.deepEqual(await refsOf(reader, url), { [main]: first });

  // A working repository of the same name takes it up from there.
  const work = join(world.root, "work");
  await git(world.root, ["clone", "-q", "-b", "main", clone, "work"]);
  await share(sharer.parts.home, join(work, ".git"), "pushed", ["main"]);
  const second = await commit(work);
  await publish(sharer, join(work, ".git"));
  assert.deepEqual(await refsOf(reader, url), { [main]: second });

  // A push that the working repository doesn't have is kept until it is pulled.
  await git(clone, ["fetch", "-q", work, "main"]);
  const third = await emptyCommit(clone, { parent: second, branch: "main" });
  await push(main, third);
  const here = await commit(work);
  const { diverged } = await publish(sharer, join(work, ".git"));
  assert.match(
    diverged.join(),
    /^main has diverged .* git pull torrent:\/\/[0-9a-f]{40}\/pushed main --no-rebase$/,
  );
  assert.match((await sharer.hindrances()).join(), /^pushed: main has diverged/);
  assert.deepEqual(await refsOf(reader, url), { [main]: third });
  await git(work, ["fetch", "-q", clone, "main"]);
  const parents = ["-p", here, "-p", third];
  const tip = await git(work, ["commit-tree", `${here}^{tree}`, ...parents, "-m", "merge"]);
  await git(work, ["update-ref", main, tip]);
  assert.deepEqual((await publish(sharer, join(work, ".git"))).diverged, []);
  assert.deepEqual(await sharer.hindrances(), []);
  assert.deepEqual(await refsOf(reader, url), { [main]: tip });
});

Deno.test("a repository goes on when its folder is moved, and its name can be taken over", async () => {
  await using world = await World.make();
  const [sharer, reader] = [await world.engine("sharer"), await world.engine("reader")];
  const { path, gitDir } = await sharedRepository(world.root, sharer.parts.home);
  await commit(path);
  await git(path, ["branch", "dev"]);
  await share(sharer.parts.home, gitDir, "hello", ["main", "dev"]);
  const { addresses } = await publish(sharer, gitDir);

  const moved = join(await Deno.realPath(world.root), "moved");
  await Deno.rename(path, moved);
  await git(moved, ["branch", "-D", "-q", "dev"]);
  const tip = await commit(moved);
  await publish(sharer, join(moved, ".git"));
  assert.deepEqual(await refsOf(reader, addresses.torrent!), { [main]: tip });

  const other = await initRepository(join(world.root, "other"));
  const unrelated = await commit(other);
  await share(sharer.parts.home, join(other, ".git"), "hello", ["main"]);
  await assert.rejects(publish(sharer, join(other, ".git")), { code: "other-history" });
  assert.deepEqual(await refsOf(reader, addresses.torrent!), { [main]: tip });
  const replaced = await publish(sharer, join(other, ".git"), { replace: true });
  assert.deepEqual(replaced.warnings, []);
  assert.deepEqual(await refsOf(reader, addresses.torrent!), { [main]: unrelated });

  const sha256 = await initRepository(join(world.root, "sha256"), "sha256");
  await emptyCommit(sha256, { branch: "main" });
  await share(sharer.parts.home, join(sha256, ".git"), "hello", ["main"]);
  await assert.rejects(publish(sharer, join(sha256, ".git")), { code: "other-object-format" });
});

Deno.test("the planned packs are those that publishing then makes, and planning changes nothing", async () => {
  await using world = await World.make();
  const sharer = await world.engine("sharer");
  const { path, gitDir } = await sharedRepository(world.root, sharer.parts.home);
  const repository = sharer.parts.store.repository(sharer.parts.key.publicKeyHex, "hello");
  for (let n = 0; n < 4; n++) {
    await commit(path);
    using wait = soon();
    const before = await repository.usableManifest();
    const planned = await plannedPacks(sharer.parts, gitDir, wait);
    assert.deepEqual(await repository.usableManifest(), before);
    await publish(sharer, gitDir);
    const { packs } = (await repository.manifest())!.manifest;
    assert.deepEqual(planned.map(({ sha256 }) => sha256), packs.map(({ sha256 }) => sha256));
    for (const { magnet, infohash } of planned) assert.ok(magnet.includes(infohash));
  }
  const cache = join(sharer.parts.home.root, "cache");
  const left = (await Array.fromAsync(Deno.readDir(cache))).map(({ name }) => name);
  assert.deepEqual(left, ["torrent"]);
});

Deno.test("two clones of one address at once are one download", async () => {
  await using world = await World.make();
  const [sharer, reader] = [await world.engine("sharer"), await world.engine("reader")];
  const { path, gitDir } = await sharedRepository(world.root, sharer.parts.home);
  await commit(path);
  const { addresses } = await publish(sharer, gitDir);
  await Promise.all([1, 2, 3].map(() => sync(reader, addresses.torrent!)));
  const { events } = world.network;
  assert.equal(events.filter((event) => event.startsWith("fetch")).length, 1);
});

Deno.test("who was told of a newer publication is not given the one that another still fetches", async () => {
  await using world = await World.make();
  const network = new MemoryNode(world.network);
  const began = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  const fetch = network.fetch.bind(network);
  network.fetch = async (...args) => {
    began.resolve();
    await goOn.promise;
    await fetch(...args);
  };
  const sharer = await world.engine("sharer");
  const reader = await world.engine("reader", [
    { scheme: "torrent", role: "peer", isDefault: true, open: () => Promise.resolve(network) },
  ]);
  const { path, gitDir } = await sharedRepository(world.root, sharer.parts.home);
  await commit(path);
  const url = (await publish(sharer, gitDir)).addresses.torrent!;
  using wait = soon();
  const clone = async () => {
    const known = await reader.resolve(url, wait);
    const synced = reader.sync(url, wait, { known, orOlder: true });
    return { known, synced };
  };
  const first = await clone();
  await began.promise;
  await commit(path);
  await publish(sharer, gitDir);
  const second = await clone();
  goOn.resolve();
  for (const { known, synced } of [first, second]) {
    assert.equal((await synced).signed.manifest.sequence, known.signed.manifest.sequence);
  }
  assert.notEqual(
    first.known.signed.manifest.sequence,
    second.known.signed.manifest.sequence,
  );
});

Deno.test("after a restart everything in the store is offered again, also by followers", async () => {
  await using world = await World.make();
  const [sharer, reader] = [await world.engine("sharer"), await world.engine("reader")];
  const { path, gitDir } = await sharedRepository(world.root, sharer.parts.home);
  const tip = await commit(path);
  const { addresses } = await publish(sharer, gitDir);
  await refsOf(reader, addresses.torrent!);
  await world.end(sharer);
  await world.end(reader);
  assert.equal(world.network.seeded.size, 0);
  world.network.announced.clear();

  const restarted = await world.engine("reader");
  await restarted.seedAll();
  const late = await world.engine("late");
  assert.deepEqual(await refsOf(late, addresses.torrent!), { [main]: tip });
});

Deno.test("replaced packs are dropped after their grace; a damaged repository holds no other back", async () => {
  await using world = await World.make();
  const sharer = await world.engine("sharer", undefined, { GTR_PUBLISH_GRACE: "0" });
  const names = ["a", "b"];
  const shared = await Promise.all(
    names.map((name) => sharedRepository(world.root, sharer.parts.home, name)),
  );
  for (const { path, gitDir } of shared) {
    for (let n = 0; n < 3; n++) {
      await commit(path);
      await publish(sharer, gitDir);
    }
  }
  const [a, b] = names.map((name) =>
    sharer.parts.store.repository(sharer.parts.key.publicKeyHex, name)
  );
  assert.ok((await b!.retiredPacks()).length > 0);
  const state = join(a!.path, "gtr", "state.json");
  await Deno.remove(state);
  await Deno.mkdir(state);
  using wait = soon();
  await sharer.dropRetiredPacks(wait);
  assert.deepEqual(await b!.retiredPacks(), []);
  assert.match(world.logged.join("\n"), /can't tidy a: can't read /);
});

Deno.test("replaced packs stay for the hours of their grace, and are seeded as long", async () => {
  await using world = await World.make();
  const sharer = await world.engine("sharer", undefined, { GTR_PUBLISH_GRACE: "2" });
  const { path, gitDir } = await sharedRepository(world.root, sharer.parts.home);
  for (let n = 0; n < 3; n++) {
    await commit(path);
    await publish(sharer, gitDir);
  }
  const repository = sharer.parts.store.repository(sharer.parts.key.publicKeyHex, "hello");
  const state = await repository.state();
  assert.ok(state.retired.length > 0);
  const held = (await repository.heldPacks()).length;
  using wait = soon();
  for (const [hours, left] of [[1.9, state.retired.length], [2.1, 0]] as const) {
    const since = Math.floor(Date.now() / 1000 - hours * 3600);
    const retired = state.retired.map(({ pack }) => ({ pack, since }));
    await writeState(join(repository.path, "gtr", "state.json"), { ...state, retired });
    await sharer.dropRetiredPacks(wait);
    assert.equal((await repository.retiredPacks()).length, left, `${hours} hours`);
    assert.equal(world.network.seeded.size, held + left);
  }
});

Deno.test("a repository that another process holds for a while is waited for", async () => {
  await using world = await World.make();
  const { parts } = await world.engine("one");
  const get = () => parts.store.repository(parts.key.publicKeyHex, "hello");
  using wait = soon();
  const held = await get().lock(wait);
  const changing = changeRepository(parts, get(), wait, () => Promise.resolve("changed"));
  await sleep(1000, wait.signal);
  held[Symbol.dispose]();
  assert.equal(await changing, "changed");
});
