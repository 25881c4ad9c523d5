/** Blossom servers that take no large blobs: packs are split to fit, for all networks. */
import assert from "node:assert/strict";
import { startBlossom, startRelay } from "../fixtures/nostr/servers.ts";
import { noise } from "./history.ts";
import { Node } from "./node.ts";
import { until } from "./until.ts";

const MOST = 2 ** 20;

/** A relay, a Blossom server that takes blobs of at most 1 MiB, and users of these. */
async function world() {
  const stack = new AsyncDisposableStack();
  const relay = stack.use(await startRelay());
  const blossom = stack.use(await startBlossom(MOST));
  const join = async (env: Record<string, string> = {}, bootstrap = "none") =>
    stack.use(
      await Node.make(bootstrap, {
        GTR_TRANSPORTS: "nostr",
        GTR_NOSTR_RELAYS: relay.url,
        GTR_NOSTR_BLOSSOM: blossom.url,
        ...env,
      }),
    );
  return { join, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** Commits 4 MB in some files, others with each seed. */
async function commitMuch(node: Node, name: string, seed = 0): Promise<string> {
  for (let i = 0; i < 8; i++) {
    const folder = node.path(name, `folder-${i % 3}`);
    await Deno.mkdir(folder, { recursive: true });
    await Deno.writeTextFile(`${folder}/file-${i}`, noise(500_000, seed + i + 1));
  }
  return await node.commit(name, "readme.txt", `hello ${seed}\n`);
}

/** What the next publication consists of: as long as nothing changes, the last one. */
async function packs(node: Node, name: string): Promise<{ sha256: string; size: number }[]> {
  return JSON.parse(await node.gtrIn(node.path(name), "pack", "--json"));
}

const head = (node: Node, clone: string) => node.gitIn(node.path(clone), "rev-parse", "HEAD");

Deno.test("nostr: several MB through blobs of 1 MiB at most, pushes and a crash", async (t) => {
  await using w = await world();
  const alice = await w.join({ GTR_TRANSPORTS: "torrent,nostr", GTR_NOSTR_MAXBLOB: "1m" });
  await alice.git("init", "-q", "hello");
  const first = await commitMuch(alice, "hello");
  await alice.gtrIn(alice.path("hello"), "init");
  const [{ addresses }] = JSON.parse(await alice.gtr("list", "--json"));

  const bob = await w.join();
  await t.step("clone over nostr alone", async () => {
    await bob.git("clone", "-q", addresses.nostr, "clone");
    assert.equal(await head(bob, "clone"), first);
    await bob.gitIn(bob.path("clone"), "fsck", "--full", "--strict");
    const sizes = (await packs(alice, "hello")).map(({ size }) => size);
    assert.ok(sizes.length >= 3 && sizes.every((size) => size <= MOST), String(sizes));
  });
  await t.step("what is new comes alone, and full packs stay", async () => {
    const before = await packs(alice, "hello");
    for (const i of [1, 2, 3]) {
      const tip = await alice.commit("hello", `more-${i}`, noise(400_000, 100 + i));
      await bob.untilPublished(addresses.nostr, "refs/heads/main", tip);
      await bob.gitIn(bob.path("clone"), "pull", "-q");
      assert.equal(await head(bob, "clone"), tip);
    }
    const after = new Set((await packs(alice, "hello")).map(({ sha256 }) => sha256));
    assert.deepEqual(before.filter(({ sha256 }) => !after.has(sha256)), []);
  });
  await t.step("a push to one's own address", async () => {
    await alice.git("clone", "-q", addresses.nostr, "work");
    const tip = await commitMuch(alice, "work", 200);
    await alice.gitIn(alice.path("work"), "push", "-q", "origin", "main:topic");
    await bob.untilPublished(addresses.nostr, "refs/heads/topic", tip);
    await bob.gitIn(bob.path("clone"), "fetch", "-q", "origin", "topic");
    await bob.gitIn(bob.path("clone"), "fsck", "--full", "--strict");
  });
  await t.step("gtd is killed while it publishes, and goes on", async () => {
    for (let i = 0; i < 6; i++) {
      await Deno.writeTextFile(alice.path("hello", `kill-${i}`), noise(700_000, 300 + i));
    }
    const tip = await alice.commit("hello", "killed", "now\n");
    await alice.killGtd();
    await alice.gtr("daemon", "start");
    await bob.untilPublished(addresses.nostr, "refs/heads/main", tip);
    await bob.gitIn(bob.path("clone"), "pull", "-q");
    assert.equal(await head(bob, "clone"), tip);
    await bob.gitIn(bob.path("clone"), "fsck", "--full", "--strict");
  });
  await t.step("other networks carry the same packs", async () => {
    const carol = await w.join({ GTR_TRANSPORTS: "torrent" }, await alice.dht());
    await carol.git("clone", "-q", addresses.torrent, "clone");
    assert.equal(await head(carol, "clone"), await head(alice, "hello"));
    await carol.gitIn(carol.path("clone"), "fsck", "--full", "--strict");
    await carol.gtr("follow", addresses.torrent);
    const tip = await alice.commit("hello", "followed", noise(900_000, 400));
    const store = await carol.stored("hello", alice);
    await until("the follower has it", async () => {
      const { stdout } = await carol.run("git", ["-C", store, "rev-parse", "refs/heads/main"]);
      return stdout.trim() === tip;
    });
    await carol.gitIn(store, "fsck", "--full", "--no-dangling");
  });
});

Deno.test("nostr: a server that refuses a pack names the setting, which splits it once", async () => {
  await using w = await world();
  const alice = await w.join({ GTR_TRANSPORTS: "torrent,nostr" });
  await alice.git("init", "-q", "hello");
  const tip = await commitMuch(alice, "hello");
  const { code, stderr } = await alice.run("gtr", ["init"], { cwd: alice.path("hello") });
  assert.equal(code, 0);
  assert.match(stderr, /not announced on nostr: .*more than 1048576 bytes.*nostr\.maxBlob <less>/);
  assert.equal((await packs(alice, "hello")).length, 1);

  await alice.gtr("config", "nostr.maxBlob", "1m");
  await alice.stopGtd();
  await alice.gtr("daemon", "start");
  const [{ addresses }] = JSON.parse(await alice.gtr("list", "--json"));
  const bob = await w.join();
  await bob.untilPublished(addresses.nostr, "refs/heads/main", tip);
  await bob.git("clone", "-q", addresses.nostr, "clone");
  assert.equal(await head(bob, "clone"), tip);
  const split = await packs(alice, "hello");
  assert.ok(split.length >= 3 && split.every(({ size }) => size <= MOST));
});

Deno.test("nostr: a file over the limit is published elsewhere, and the warning says why", async () => {
  await using w = await world();
  const alice = await w.join({ GTR_TRANSPORTS: "torrent,nostr", GTR_NOSTR_MAXBLOB: "1m" });
  await alice.git("init", "-q", "hello");
  const tip = await alice.commit("hello", "huge", noise(3_000_000));
  const { code, stderr } = await alice.run("gtr", ["init"], { cwd: alice.path("hello") });
  assert.equal(code, 0);
  assert.match(stderr, /not announced on nostr: .*a single object, which can't be split/);
  const [{ addresses }] = JSON.parse(await alice.gtr("list", "--json"));
  const bob = await w.join({ GTR_TRANSPORTS: "torrent" }, await alice.dht());
  await bob.git("clone", "-q", addresses.torrent, "clone");
  assert.equal(await head(bob, "clone"), tip);
});
