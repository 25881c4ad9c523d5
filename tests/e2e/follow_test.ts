/** Following others' repositories: kept up to date, passed on, within quotas. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { noise } from "./history.ts";
import { Node } from "./node.ts";
import { until } from "./until.ts";

/** Characters; packed they are about 130,000 bytes, too large for the DHT: a peer has to send it. */
const LARGE = 200_000;

const FOLLOWERS = 20;

/** What `refs/heads/main` of the copy in a node's store is; undefined where there is none. */
async function head(node: Node, stored: string): Promise<string | undefined> {
  const { code, stdout } = await node.run("git", ["--git-dir", stored, "rev-parse", "main"]);
  return code === 0 ? stdout.trim() : undefined;
}

/** Waits until `refs/heads/main` in the store of a node is `oid`. */
async function untilHead(stored: string, oid: string, ms = 60_000): Promise<void> {
  // git makes such changes in packed-refs.
  const read = () => Deno.readTextFile(join(stored, "packed-refs")).catch(() => "");
  const isThere = async () => (await read()).includes(`${oid} refs/heads/main\n`);
  using watcher = Deno.watchFs(stored, { recursive: false });
  const timer = setTimeout(() => watcher.return?.(), ms);
  try {
    if (await isThere()) return;
    for await (const _event of watcher) if (await isThere()) return;
  } finally {
    clearTimeout(timer);
  }
  assert.fail(`waited ${ms / 1000} s in vain for ${oid} in ${stored}`);
}

/** "followed" for what was asked for, "cloned" for what is here because git cloned it. */
async function roles(node: Node): Promise<string[]> {
  const { repositories } = await node.status();
  return repositories.map((r: { role: string; pinned: boolean }) => r.pinned ? r.role : "cloned");
}

async function fails(node: Node, args: string[], code: number, ...texts: RegExp[]): Promise<void> {
  const outcome = await node.run("gtr", args);
  assert.equal(outcome.code, code, outcome.stderr);
  for (const text of texts) assert.match(outcome.stderr, text);
  assert.match(outcome.stderr, /^hint: /m);
}

Deno.test("a followed repository is kept up to date and passed on, until it is not", async (t) => {
  await using hub = await Node.make("none");
  const bootstrap = await hub.dht();
  await using alice = await Node.make(bootstrap);
  await using bob = await Node.make(bootstrap);
  await using carol = await Node.make(bootstrap);
  const url = await alice.share("hello");
  const first = await alice.commit("hello", "noise.txt", noise(LARGE));
  await bob.untilPublished(url, "refs/heads/main", first);
  const stored = await bob.stored("hello", alice);

  await t.step("follow fetches it and lists it", async () => {
    assert.equal(await bob.gtr("follow", url), url);
    assert.equal(await head(bob, stored), first);
    assert.deepEqual(await roles(bob), ["followed"]);
    const [listed] = JSON.parse(await bob.gtr("follow", "--json"));
    assert.equal(listed.address, url);
    assert.ok(listed.bytes > LARGE / 2 && listed.sequence > 0);
    assert.match(await bob.gtr("follow"), new RegExp(`^ADDRESS .*\n${url} `));
    assert.equal(await bob.gtr("follow", url), url, "twice is as good as once");
    assert.equal(JSON.parse(await bob.gtr("follow", "--json")).length, 1);
  });

  await t.step("an update comes by itself", async () => {
    const next = await alice.commit("hello", "second.txt", "second\n");
    await untilHead(stored, next);
  });

  await t.step("gtd catches up with what happened while it was down", async () => {
    await bob.stopGtd();
    const next = await alice.commit("hello", "third.txt", "third\n");
    await carol.untilPublished(url, "refs/heads/main", next);
    await bob.gtr("daemon", "start");
    await untilHead(stored, next);
  });

  await t.step("it is passed on while the publisher is gone, who is heard when back", async () => {
    await alice.stopGtd();
    await carol.git("clone", "-q", url, "copy");
    assert.deepEqual(await roles(carol), ["cloned"]);
    assert.equal(await bob.gtr("follow", url), url, "from the copy that is here");
    const next = await alice.commit("hello", "fourth.txt", "fourth\n");
    await alice.gtr("daemon", "start");
    await untilHead(stored, next);
  });

  await t.step("unfollow --keep leaves the copy, unfollow removes it", async () => {
    await bob.gtr("unfollow", url, "--keep");
    assert.deepEqual(await roles(bob), ["cloned"]);
    await fails(bob, ["unfollow", url, "--keep"], 1, /can't unfollow .*: it is not followed/);
    assert.equal(await bob.gtr("follow", url), url);
    assert.deepEqual(JSON.parse(await bob.gtr("unfollow", url, "--json")), {
      address: url,
      removed: true,
    });
    await fails(bob, ["unfollow", url], 1, /can't unfollow .*: it is not followed/);
    assert.deepEqual(await roles(bob), []);
    assert.equal(await head(bob, stored), undefined);
    assert.equal(await bob.gtr("follow", "--json"), "[]");
  });
});

Deno.test("what can't be followed is told", async (t) => {
  await using alice = await Node.make("none");
  const url = await alice.share("hello");
  await using bob = await Node.make(await alice.dht());

  await t.step("one's own", () => fails(alice, ["follow", url], 1, /it is your own/));
  await t.step("nobody's", async () => {
    const nobody = url.replace("/hello", "/nothing");
    await fails(bob, ["follow", nobody], 1, /can't find .*nobody on [a-z, ]+ knows it/);
    assert.equal(await bob.gtr("follow", "--json"), "[]");
  });
  await t.step("no address", () => fails(bob, ["follow", "hello"], 2, /can't use 'hello'/));
  await t.step("a list that is damaged", async () => {
    await Deno.writeTextFile(join(bob.home, "follows.json"), "{");
    await fails(bob, ["follow"], 1, /it is not a list of followed ones/);
  });
});

Deno.test("quotas refuse before anything is fetched, or evict what was only cloned", async (t) => {
  await using alice = await Node.make("none");
  const urls: string[] = [];
  for (const name of ["one", "two", "three"]) {
    const url = await alice.share(name);
    const oid = await alice.commit(name, "noise.txt", noise(LARGE));
    await alice.untilPublished(url, "refs/heads/main", oid);
    urls.push(url);
  }
  const bootstrap = await alice.dht();

  await t.step("a repository over its quota", async () => {
    await using bob = await Node.make(bootstrap, { GTR_STORE_REPOSITORYQUOTA: "100k" });
    await fails(bob, ["follow", urls[0]!], 1, /has \d+ bytes and store.repositoryQuota is 102400/);
    const clone = await bob.run("git", ["clone", urls[0]!, "copy"]);
    assert.equal(clone.code, 128);
    assert.match(clone.stderr, /store\.repositoryQuota is 102400/);
    assert.deepEqual((await bob.status()).repositories, []);
  });

  await t.step("a store that is full of what is followed or in use", async () => {
    await using bob = await Node.make(bootstrap, { GTR_STORE_QUOTA: "300k" });
    await bob.gtr("follow", urls[0]!);
    await bob.git("clone", "-q", urls[1]!, "copy");
    await fails(bob, ["follow", urls[2]!], 1, /store\.quota is 307200/, /gtr unfollow makes room/);
    assert.deepEqual((await roles(bob)).toSorted(), ["cloned", "followed"]);

    // The clone was long ago.
    const state = join(await bob.stored("two", alice), "gtr", "state.json");
    const old = JSON.parse(await Deno.readTextFile(state));
    await Deno.writeTextFile(state, JSON.stringify({ ...old, lastUsed: 1_700_000_000 }));
    await bob.gtr("follow", urls[2]!);
    assert.deepEqual(await roles(bob), ["followed", "followed"]);
    assert.match(await bob.gtr("daemon", "logs"), /evicted two: \d+ bytes, last used 2023-11-14/);
  });

  await t.step(
    "an update that no longer fits keeps the old state, and status says so",
    async () => {
      await using bob = await Node.make(bootstrap, { GTR_STORE_REPOSITORYQUOTA: "200k" });
      await bob.gtr("follow", urls[0]!);
      const stored = await bob.stored("one", alice);
      const before = await head(bob, stored);
      await alice.commit("one", "more.txt", noise(LARGE, 2));
      await until("bob refuses it", async () => (await bob.status()).repositories[0].overQuota);
      assert.equal(await head(bob, stored), before);
      assert.match(await bob.gtr("status"), /followed, over quota/);
    },
  );
});

Deno.test("seed.policy says what is passed on", async () => {
  await using hub = await Node.make("none");
  const bootstrap = await hub.dht();
  await using alice = await Node.make(bootstrap);
  await using bob = await Node.make(bootstrap);
  await using carol = await Node.make(bootstrap, { GTR_NETWORK_TIMEOUT: "10" });
  const url = await alice.share("hello");
  const oid = await alice.commit("hello", "noise.txt", noise(LARGE));
  await bob.untilPublished(url, "refs/heads/main", oid);
  await bob.gtr("config", "seed.policy", "followed");
  await bob.stopGtd();
  await bob.git("clone", "-q", url, "copy");
  await alice.stopGtd();
  const refused = await carol.run("git", ["clone", "-q", url, "one"]);
  assert.equal(refused.code, 128, "a clone is not passed on");

  assert.equal(await bob.gtr("follow", url), url);
  await carol.git("clone", "-q", url, "two");
  await fails(bob, ["config", "seed.policy", "some"], 2, /one of cloned, followed, none/);
});

Deno.test(`an update reaches ${FOLLOWERS} followers`, async () => {
  await using alice = await Node.make("none");
  const url = await alice.share("hello");
  const first = await alice.commit("hello", "noise.txt", noise(LARGE));
  await alice.untilPublished(url, "refs/heads/main", first);
  const bootstrap = await alice.dht();
  await using nodes = new AsyncDisposableStack();
  const stores: string[] = [];
  for (let i = 0; i < FOLLOWERS; i++) {
    const node = nodes.use(await Node.make(bootstrap));
    await node.gtr("follow", url);
    stores.push(await node.stored("hello", alice));
  }

  const next = await alice.commit("hello", "second.txt", noise(LARGE, 2));
  const start = performance.now();
  const reached: number[] = [];
  await Promise.all(stores.map(async (stored) => {
    await untilHead(stored, next);
    reached.push(performance.now() - start);
  }));
  const at = (share: number) => Math.round(reached[Math.ceil(FOLLOWERS * share) - 1]!);
  console.log(`half: ${at(0.5)} ms, 90 %: ${at(0.9)} ms, all: ${at(1)} ms`);
});
