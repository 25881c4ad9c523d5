import assert from "node:assert/strict";
import { join } from "node:path";
import { Home } from "../../../../lib/common/home.ts";
import { Settings } from "../../../../lib/common/settings.ts";
import { Engine } from "../../../../lib/engine/engine.ts";
import type { Follow } from "../../../../lib/store/follows.ts";
import { emptyCommit, git, share, sharedRepository, soon, tempDir } from "../fixture.ts";
import { MemoryNetwork, MemoryNode } from "../memory_network.ts";

/** Alice, who shares main and dev, and Bob. */
async function world() {
  const temp = await tempDir();
  const network = new MemoryNetwork();
  const transport = new MemoryNode(network);
  const open = async (name: string, opened: MemoryNode) => {
    const home = new Home(join(temp.path, name));
    using wait = soon();
    const settings = await Settings.load(home, () => undefined);
    const networks = [{
      scheme: "torrent",
      role: "peer" as const,
      isDefault: true,
      open: () => Promise.resolve(opened),
    }];
    return await Engine.open({ home, settings, networks, log: () => {} }, wait);
  };
  const alice = await open("alice", new MemoryNode(network));
  const bob = await open("bob", transport);
  const { path, gitDir } = await sharedRepository(temp.path, alice.parts.home);
  const publish = async () => {
    using wait = soon();
    return await alice.publish(gitDir, wait);
  };
  const commit = async (branch: string) => {
    await emptyCommit(path, { branch });
    return await publish();
  };
  await emptyCommit(path, { branch: "main" });
  await share(alice.parts.home, gitDir, "hello", ["main", "dev"]);
  const url = (await commit("dev")).addresses["torrent"]!;
  const publisher = alice.parts.key.publicKeyHex;
  const follow: Follow = { scheme: "torrent", publisher, name: "hello" };
  const stored = bob.parts.store.repository(publisher, "hello");
  return {
    alice,
    bob,
    network,
    transport,
    url,
    path,
    gitDir,
    commit,
    publish,
    stored,
    shared: (branches: string[]) => share(alice.parts.home, gitDir, "hello", branches),
    follow: async (branches?: string[]) => {
      using wait = soon();
      return await bob.follow(url, wait, branches);
    },
    update: async () => {
      using wait = soon();
      return await bob.update(follow, wait);
    },
    sequence: async () => (await stored.manifest())!.manifest.sequence,
    [Symbol.asyncDispose]: async () => {
      await alice[Symbol.asyncDispose]();
      await bob[Symbol.asyncDispose]();
      await temp[Symbol.asyncDispose]();
    },
  };
}

Deno.test("an update is fetched whole when a followed branch changed, else not at all", async () => {
  await using w = await world();
  await w.follow(["main", "later"]);
  const first = await w.sequence();
  assert.equal((await w.update()).skipped, undefined);

  w.network.events.length = 0;
  const { sequence: other } = await w.commit("dev");
  const skipped = await w.update();
  assert.deepEqual([skipped.skipped, skipped.signed.manifest.sequence], [other, first]);
  await git(w.path, ["tag", "v1", "main"]);
  const { sequence: tag } = await w.publish();
  assert.equal((await w.update()).skipped, tag);
  await w.shared(["dev", "main"]);
  const { sequence: head } = await w.publish();
  assert.ok(head > tag);
  assert.equal((await w.update()).skipped, head, "only what HEAD names changed");
  assert.deepEqual(w.network.events.filter((event) => event.startsWith("fetch")), []);
  assert.equal(await w.sequence(), first);

  const follows = async (what: string, { sequence }: { sequence: number }) => {
    assert.equal((await w.update()).skipped, undefined, what);
    assert.equal(await w.sequence(), sequence, what);
  };
  await follows("moved", await w.commit("main")); // without a parent: a forced push
  const { manifest } = (await w.stored.manifest())!;
  assert.equal(manifest.refs["refs/heads/dev"], await git(w.path, ["rev-parse", "dev"]));
  assert.equal(manifest.refs["refs/heads/main"], await git(w.path, ["rev-parse", "main"]));
  await git(w.path, ["branch", "later", "dev"]);
  await w.shared(["dev", "main", "later"]);
  await follows("created", await w.publish());
  await w.shared(["dev", "main"]);
  await follows("deleted", await w.publish());
});

Deno.test("names that are nowhere are told and kept; following again replaces them", async () => {
  await using w = await world();
  const told = await w.follow(["main", "x", "y"]);
  assert.equal(told.warning, "hello has no x, y now; it has dev, main");
  assert.deepEqual((await w.bob.parts.follows.list())[0]!.branches, ["main", "x", "y"]);

  const { sequence: second } = await w.commit("dev");
  assert.equal((await w.follow(["main"])).warning, undefined);
  assert.equal(await w.sequence(), second, "what is asked for is brought up to date");
  assert.deepEqual((await w.bob.parts.follows.list())[0]!.branches, ["main"]);

  await w.follow();
  assert.equal((await w.bob.parts.follows.list())[0]!.branches, undefined);
  const { sequence } = await w.commit("dev");
  await w.update();
  assert.equal(await w.sequence(), sequence);
});

Deno.test("a copy that lost a pack is made whole, whatever changed", async () => {
  await using w = await world();
  await w.follow(["main"]);
  const { sequence } = await w.commit("dev");
  const [pack] = await w.stored.packs();
  await Deno.remove(pack!.path);
  assert.equal((await w.update()).skipped, undefined);
  assert.equal(await w.sequence(), sequence);
  assert.equal(await w.stored.isWhole(), true);
});

Deno.test("who clones while an update is under way is given everything", async () => {
  await using w = await world();
  await w.follow(["main"]);
  const { sequence } = await w.commit("dev");
  const asked = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  const resolve = w.transport.resolve.bind(w.transport);
  w.transport.resolve = async function* (...args) {
    asked.resolve();
    await go.promise;
    yield* resolve(...args);
  };
  using wait = soon();
  const update = w.update();
  await asked.promise;
  const sync = w.bob.sync(w.url, wait);
  go.resolve();
  assert.equal((await sync).signed.manifest.sequence, sequence);
  await update;
  assert.equal(await w.sequence(), sequence);
});
