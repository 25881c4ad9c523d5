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

Deno.test("limits hold, and packs do instead of what they end", async (t) => {
  const env = { GTR_LIVE_UPLOADRATE: "300000", GTR_LIVE_SECONDS: "2" };
  const { alice, url } = await publisher(env);
  await using _alice = alice;
  await using bob = await Node.make(await alice.dht());

  await t.step("a stream that is cut", async () => {
    await bob.git("clone", "-q", "--depth=1", url, "cut");
    assert.equal(await bob.gitIn(bob.path("cut"), "rev-list", "--count", "--all"), "1");
    await bob.gitIn(bob.path("cut"), "fsck", "--full");
    assert.ok((await alice.status()).dropped["torrent/live-too-long"] >= 1);
    assert.ok(await packBytes(`${bob.home}/store`) > VERSIONS * FILE / 2);
  });
  await t.step("leaves nothing behind", async () => {
    const folder = bob.path("cut/.git/objects/pack");
    const names = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
    assert.deepEqual(names.filter((name) => !/^pack-[0-9a-f]+\.(pack|idx|rev)$/.test(name)), []);
    const left = (await Array.fromAsync(Deno.readDir(bob.home))).map(({ name }) => name);
    assert.deepEqual(left.filter((name) => name.endsWith(".tmp")), []);
  });
  await t.step("who serves nobody live is passed by", async () => {
    await bob.stopGtd();
    await alice.stopGtd();
    Object.assign(alice.env, { GTR_LIVE_STREAMS: "0" });
    await alice.gtr("daemon", "start");
    await using dora = await Node.make(await alice.dht());
    await dora.git("clone", "-q", "--depth=1", url, "packs");
    assert.ok(await packBytes(`${dora.home}/store`) > FILE);
    assert.ok((await alice.status()).dropped["torrent/live-limit"] > 0);
  });
});

Deno.test("a publisher is killed in the middle of a stream: others' packs do", async () => {
  const { alice, url } = await publisher({ GTR_LIVE_UPLOADRATE: "300000" });
  await using _alice = alice;
  const bootstrap = await alice.dht();
  await using carol = await Node.make(bootstrap, { GTR_LIVE_STREAMS: "0" });
  await carol.git("clone", "-q", url, "whole");
  await using bob = await Node.make(await carol.dht());
  await bob.gtr("daemon", "start");
  const clone = bob.run("git", ["clone", "-q", "--depth=1", url, "part"]);
  await untilFile(bob.directory, /part\/\.git\/objects\/pack\/tmp_pack/);
  await alice.killGtd();
  const { code, stderr } = await clone;
  assert.deepEqual([code, stderr], [0, ""]);
  assert.equal(await bob.gitIn(bob.path("part"), "rev-list", "--count", "--all"), "1");
  await bob.gitIn(bob.path("part"), "fsck", "--full");
  assert.ok(await packBytes(`${bob.home}/store`) > VERSIONS * FILE / 2);
});

Deno.test("without gtd, the helper dials by itself", async () => {
  const { alice, url } = await publisher();
  await using _alice = alice;
  await using bob = await Node.make(await alice.dht(), { GTR_DAEMON_AUTOSTART: "0" });
  await bob.git("clone", "-q", "--depth=1", url, "shallow");
  assert.equal(await packBytes(`${bob.home}/store`), 0);
  assert.equal(await bob.gitIn(bob.path("shallow"), "rev-list", "--count", "--all"), "1");
});

Deno.test("every kind of a part comes live", async (t) => {
  const { alice, url } = await publisher();
  await using _alice = alice;
  const work = alice.path("big");
  await alice.gitIn(work, "tag", "-a", "-m", "one", "v1", "HEAD~3");
  await alice.gitIn(work, "checkout", "-q", "-b", "other");
  const other = await alice.commit("big", "other.bin", randomBytes(9 << 19).toString("hex"));
  await alice.gitIn(work, "checkout", "-q", "main");
  await alice.gtrIn(work, "share", "other");
  await alice.untilPublished(url, "refs/heads/other", other);
  await using bob = await Node.make(await alice.dht());
  const git = (folder: string, ...args: string[]) => bob.gitIn(bob.path(folder), ...args);
  const count = (folder: string) => git(folder, "rev-list", "--count", "HEAD");
  const untouched = async () => assert.equal(await packBytes(`${bob.home}/store`), 0);
  const all = `${VERSIONS + 1}`;

  await t.step("--shallow-exclude, --shallow-since, --unshallow", async () => {
    await bob.git("clone", "-q", "--shallow-exclude=v1", url, "exclude");
    assert.equal(await count("exclude"), "3");
    await bob.git("clone", "-q", "--shallow-since=2000-01-01", "--no-checkout", url, "since");
    assert.equal(await count("since"), all);
    await git("exclude", "fetch", "-q", "--unshallow");
    assert.equal(await count("exclude"), all);
    await git("exclude", "fsck", "--full");
    await untouched();
  });
  await t.step("--depth with --filter, and the blobs of old commits", async () => {
    await bob.git("clone", "-q", "--depth=1", "--filter=blob:none", url, "both");
    assert.equal(await count("both"), "1");
    await git("both", "fetch", "-q", "--deepen=1");
    assert.equal(await count("both"), "2");
    assert.equal((await git("both", "show", "HEAD~1:file-0.txt")).length, FILE);
    await untouched();
  });
  await t.step("--filter=tree:0, and what is looked at", async () => {
    await bob.git("clone", "-q", "--no-checkout", "--filter=tree:0", url, "trees");
    assert.equal(await count("trees"), all);
    assert.ok(await packBytes(bob.path("trees/.git")) < 10_000);
    assert.match(await git("trees", "log", "-p", "--format=%H", "-1", "HEAD"), /diff --git/);
    await git("trees", "checkout", "-q", "main");
    await untouched();
  });
  await t.step("--single-branch of a large repository, then the other", async () => {
    await bob.git("clone", "-q", "--single-branch", url, "single");
    assert.equal(await count("single"), all);
    assert.equal(await git("single", "tag"), "v1");
    const bytes = await packBytes(bob.path("single/.git"));
    assert.ok(bytes < (VERSIONS + 1) * FILE, `${bytes} bytes`);
    await git("single", "fsck", "--full");
    await git("single", "fetch", "-q", "origin", "refs/heads/other");
    assert.equal(await git("single", "rev-parse", "FETCH_HEAD"), other);
  });
});
