/** Part of a repository, straight from a peer. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { Node } from "./node.ts";
import { untilFile } from "./until.ts";

const FILE = 1_000_000;
const VERSIONS = 6;

/** A publisher of six versions of a megabyte that does not compress. */
async function publisher(env: Record<string, string> = {}): Promise<{ alice: Node; url: string }> {
  const alice = await Node.make("none", env);
  const url = await alice.share("big");
  let oid = "";
  for (let i = 0; i < VERSIONS; i++) {
    const bytes = randomBytes(FILE / 2).toString("hex");
    oid = await alice.commit("big", `file-${i % 2}.txt`, bytes);
  }
  await alice.untilPublished(url, "refs/heads/main", oid);
  return { alice, url };
}

/** Bytes of packs below a folder. */
async function packBytes(folder: string): Promise<number> {
  let sum = 0;
  try {
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      const path = `${folder}/${name}`;
      if (isDirectory) sum += await packBytes(path);
      else if (name.endsWith(".pack")) sum += (await Deno.stat(path)).size;
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return sum;
}

Deno.test("a part of a repository is fetched from its publisher, and only that", async (t) => {
  const { alice, url } = await publisher();
  await using _alice = alice;
  await using bob = await Node.make(await alice.dht());
  const count = async (name: string) =>
    Number(await bob.gitIn(bob.path(name), "rev-list", "--count", "--all"));

  await t.step("--depth", async () => {
    await bob.git("clone", "-q", "--depth=1", url, "shallow");
    assert.equal(await count("shallow"), 1);
    const bytes = await packBytes(bob.path("shallow/.git"));
    assert.ok(bytes > FILE && bytes < 2 * FILE, `${bytes} bytes`);
    assert.equal(await packBytes(`${bob.home}/store`), 0);
    await bob.gitIn(bob.path("shallow"), "fsck", "--full");
  });
  await t.step("and more of it", async () => {
    await bob.gitIn(bob.path("shallow"), "fetch", "-q", "--deepen=1");
    assert.equal(await count("shallow"), 2);
    assert.equal(await packBytes(`${bob.home}/store`), 0);
  });
  await t.step("--filter, and blobs when they are looked at", async () => {
    await bob.git("clone", "-q", "--no-checkout", "--filter=blob:none", url, "partial");
    assert.ok(await packBytes(bob.path("partial/.git")) < 10_000);
    assert.equal(await count("partial"), VERSIONS + 1);
    await bob.gitIn(bob.path("partial"), "checkout", "-q", "main");
    const bytes = await packBytes(bob.path("partial/.git"));
    assert.ok(bytes > FILE && bytes < 2 * FILE, `${bytes} bytes`);
    assert.equal(await packBytes(`${bob.home}/store`), 0);
  });
  await t.step("a partial clone follows its publisher", async () => {
    const oid = await alice.commit("big", "readme.txt", "news\n");
    await bob.untilPublished(url, "refs/heads/main", oid);
    await bob.gitIn(bob.path("partial"), "pull", "-q");
    assert.equal(await bob.gitIn(bob.path("partial"), "rev-parse", "HEAD"), oid);
    assert.equal(await packBytes(`${bob.home}/store`), 0);
  });
});

Deno.test("without its publisher, a reader serves a part, or else packs do", async (t) => {
  const { alice, url } = await publisher();
  await using _alice = alice;
  const bootstrap = await alice.dht();
  await using carol = await Node.make(bootstrap);
  await carol.git("clone", "-q", url, "whole");
  await using bob = await Node.make(await carol.dht());
  await bob.gtr("daemon", "start");
  await alice.stopGtd();

  await t.step("a reader, whose refs lie in vain", async () => {
    const tip = await alice.gitIn(alice.path("big"), "rev-parse", "HEAD");
    const store = await carol.stored("big", alice);
    await carol.gitIn(store, "update-ref", "refs/heads/main", `${tip}~2`);
    await bob.git("clone", "-q", "--depth=1", url, "shallow");
    assert.equal(await bob.gitIn(bob.path("shallow"), "rev-parse", "HEAD"), tip);
    assert.equal(await packBytes(`${bob.home}/store`), 0);
  });
  await t.step("the copy kept here, once it is whole", async () => {
    await carol.git("clone", "-q", "--depth=1", url, "shallow");
    assert.equal(await carol.gitIn(carol.path("shallow"), "rev-list", "--count", "--all"), "1");
  });
  await t.step("packs", async () => {
    await using dora = await Node.make(await carol.dht(), { GTR_LIVE_WAIT: "0" });
    await dora.git("clone", "-q", "--filter=blob:none", url, "partial");
    assert.ok(await packBytes(`${dora.home}/store`) > VERSIONS * FILE / 2);
  });
});

Deno.test("limits hold, and what they end is told", async (t) => {
  const env = { GTR_LIVE_UPLOADRATE: "300000", GTR_LIVE_SECONDS: "2" };
  const { alice, url } = await publisher(env);
  await using _alice = alice;
  await using bob = await Node.make(await alice.dht());

  await t.step("a stream that is cut is an error, in time", async () => {
    const { code, stderr } = await bob.run("git", ["clone", "--depth=1", url, "cut"]);
    assert.equal(code, 128);
    assert.match(stderr, /gtr: (the live stream from .* was|.*: it was) cut off; run it again/);
    assert.equal((await alice.status()).dropped["torrent/live-too-long"], 1);
  });
  await t.step("and leaves nothing behind", async () => {
    await assert.rejects(Deno.stat(bob.path("cut")));
    const left = (await Array.fromAsync(Deno.readDir(bob.home))).map(({ name }) => name);
    assert.deepEqual(left.filter((name) => name.endsWith(".tmp")), []);
  });
  await t.step("who serves nobody live is passed by", async () => {
    await alice.stopGtd();
    Object.assign(alice.env, { GTR_LIVE_STREAMS: "0" });
    await alice.gtr("daemon", "start");
    await bob.git("clone", "-q", "--depth=1", url, "packs");
    assert.ok(await packBytes(`${bob.home}/store`) > FILE);
    assert.ok((await alice.status()).dropped["torrent/live-limit"] > 0);
  });
});

Deno.test("a publisher that is killed in the middle is an error; run again, packs do", async () => {
  const { alice, url } = await publisher({ GTR_LIVE_UPLOADRATE: "300000" });
  await using _alice = alice;
  const bootstrap = await alice.dht();
  await using carol = await Node.make(bootstrap, { GTR_LIVE_STREAMS: "0" });
  await carol.git("clone", "-q", url, "whole");
  await using bob = await Node.make(await carol.dht());
  await bob.gtr("daemon", "start");
  const first = bob.run("git", ["clone", "--depth=1", url, "part"]);
  await untilFile(bob.directory, /part\/\.git\/objects\/pack\/tmp_pack/);
  await alice.killGtd();
  const { code, stderr } = await first;
  assert.equal(code, 128);
  assert.match(stderr, /gtr: (the live stream from .* was|.*: it was) cut off; run it again/);
  await bob.git("clone", "-q", "--depth=1", url, "part");
  assert.equal(await bob.gitIn(bob.path("part"), "rev-list", "--count", "--all"), "1");
});

Deno.test("without gtd, the helper dials by itself", async () => {
  const { alice, url } = await publisher();
  await using _alice = alice;
  await using bob = await Node.make(await alice.dht(), { GTR_DAEMON_AUTOSTART: "0" });
  await bob.git("clone", "-q", "--depth=1", url, "shallow");
  assert.equal(await packBytes(`${bob.home}/store`), 0);
  assert.equal(await bob.gitIn(bob.path("shallow"), "rev-list", "--count", "--all"), "1");
});
