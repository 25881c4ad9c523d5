/** Many objects, many refs, many nodes. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { addressOf, DhtNetwork } from "../unit/transports/torrent/dht/network.ts";
import { importHistory } from "./history.ts";
import { Node } from "./node.ts";

Deno.test("a repository of 20,000 objects", async (t) => {
  await using alice = await Node.make("none");
  await importHistory(alice, "large", 5000);
  const large = alice.path("large");
  const url = await alice.gtrIn(large, "init");
  await using bob = await Node.make(await alice.dht());
  const same = async (copy: string) => {
    await bob.gitIn(copy, "fsck", "--full", "--strict");
    const tree = ["rev-parse", "HEAD", "HEAD^{tree}"];
    assert.equal(await bob.gitIn(copy, ...tree), await alice.gitIn(large, ...tree));
    assert.equal(await bob.gitIn(copy, "status", "--porcelain"), "");
  };

  await t.step("clone", async () => {
    await bob.git("clone", "-q", url, "copy");
    await same(bob.path("copy"));
    const { stdout } = await bob.run("sh", [
      "-c",
      "git rev-list --objects --all | wc -l",
    ], { cwd: bob.path("copy") });
    assert.equal(Number(stdout), 20_000);
  });
  await t.step("ten commits more take one small pack", async () => {
    for (let i = 0; i < 9; i++) {
      await alice.gitIn(large, "commit", "-q", "--allow-empty", "-m", "e");
    }
    const oid = await alice.commit("large", "new.txt", "new\n");
    await bob.untilPublished(url, "refs/heads/main", oid);
    await bob.gitIn(bob.path("copy"), "pull", "-q");
    await same(bob.path("copy"));
    const [{ packs }] = (await bob.status()).repositories;
    assert(packs >= 2 && packs <= 5, `${packs} packs`);
    const store = join(await bob.stored("large", alice), "objects/pack");
    const sizes = (await Array.fromAsync(Deno.readDir(store)))
      .filter(({ name }) => name.endsWith(".pack"))
      .map(({ name }) => Deno.statSync(join(store, name)).size)
      .sort((a, b) => b - a);
    assert(sizes.slice(1).every((size) => size < 10_000), `sizes ${sizes}`);
  });
  await t.step("a shallow clone", async () => {
    await bob.git("clone", "-q", "--depth=1", url, "shallow");
    assert.equal(await bob.gitIn(bob.path("shallow"), "rev-list", "--count", "HEAD"), "1");
  });
});

Deno.test("a repository of 1,000 refs, whose manifest doesn't fit a DHT record", async () => {
  await using alice = await Node.make("none");
  await importHistory(alice, "refs", 10);
  const path = alice.path("refs");
  const create = Array.from({ length: 1000 }, (_, i) => `create refs/tags/t${i} HEAD~${i % 10}\n`);
  const made = await alice.run("git", ["update-ref", "--stdin"], {
    cwd: path,
    stdin: create.join(""),
  });
  assert.equal(made.code, 0, made.stderr);
  const url = await alice.gtrIn(path, "init");
  await using bob = await Node.make(await alice.dht());
  const listed = await bob.git("ls-remote", url);
  assert.equal(listed, await bob.git("ls-remote", path));
  assert.equal(listed.split("\n").length, 1002);
  await bob.git("clone", "-q", "--mirror", url, "copy.git");
  const refs = ["for-each-ref", "--format=%(objectname) %(refname)"];
  assert.equal(await bob.gitIn(bob.path("copy.git"), ...refs), await alice.gitIn(path, ...refs));

  // The manifest travels as a torrent, which a reader seeds as well.
  await using carol = await Node.make(await bob.dht());
  await alice.stopGtd();
  assert.equal(await carol.git("ls-remote", url), listed);
});

Deno.test("a network of fifty nodes", async (t) => {
  await using network = new DhtNetwork();
  const nodes = await network.openMany(50);
  const entry = (i: number) => addressOf(nodes[i]!);
  await using alice = await Node.make(entry(7));
  await using bob = await Node.make(entry(23));
  await using carol = await Node.make(entry(42));
  const url = await alice.share("hello");

  await t.step("clone through it", async () => {
    await bob.git("clone", "-q", url, "copy");
    assert((await bob.status()).transports.torrent.nodes >= 20);
  });
  await t.step("a commit is seen by all", async () => {
    const oid = await alice.commit("hello", "a.txt", "a\n");
    await bob.untilPublished(url, "refs/heads/main", oid);
    await carol.untilPublished(url, "refs/heads/main", oid);
  });
  await t.step(
    "it serves a small repository with its publisher and half the nodes gone",
    async () => {
      await alice.stopGtd();
      await bob.stopGtd();
      for (let i = 0; i < 50; i += 2) if (i !== 42) await nodes[i]![Symbol.asyncDispose]();
      await carol.git("clone", "-q", url, "copy");
      assert.equal(await Deno.readTextFile(carol.path("copy/a.txt")), "a\n");
    },
  );
});
