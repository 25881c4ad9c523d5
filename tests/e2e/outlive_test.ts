/** A repository outlives its publisher: readers serve it, and a small one needs nobody at all. */
import assert from "node:assert/strict";
import { noise } from "./history.ts";
import { Node } from "./node.ts";

/** Too large for the DHT, so that a peer has to send it. */
const LARGE = 200_000;

async function assertSameHead(a: Node, one: string, b: Node, other: string): Promise<void> {
  const heads = await Promise.all([
    a.gitIn(a.path(one), "rev-parse", "HEAD"),
    b.gitIn(b.path(other), "rev-parse", "HEAD"),
  ]);
  assert.equal(heads[0], heads[1]);
  await b.gitIn(b.path(other), "fsck", "--full", "--strict");
}

Deno.test("a reader serves what its stopped publisher no longer does", async () => {
  await using hub = await Node.make("none");
  const bootstrap = await hub.dht();
  await using alice = await Node.make(bootstrap);
  await using bob = await Node.make(bootstrap);
  await using carol = await Node.make(bootstrap);
  const url = await alice.share("hello");
  const oid = await alice.commit("hello", "noise.txt", noise(LARGE));
  await bob.untilPublished(url, "refs/heads/main", oid);
  await bob.git("clone", "-q", url, "copy");
  await alice.stopGtd();

  await carol.git("clone", "-q", url, "copy");
  await assertSameHead(alice, "hello", carol, "copy");
});

Deno.test("a small repository is cloned from the DHT with nobody seeding it", async (t) => {
  await using hub = await Node.make("none");
  const bootstrap = await hub.dht();
  await using alice = await Node.make(bootstrap);
  await using bob = await Node.make(bootstrap);
  await using carol = await Node.make(bootstrap);
  const url = await alice.share("hello");
  await bob.git("clone", "-q", url, "copy");
  const oid = await alice.commit("hello", "second.txt", noise(5000));
  await bob.untilPublished(url, "refs/heads/main", oid);
  await bob.gitIn(bob.path("copy"), "pull", "-q");
  await alice.stopGtd();
  await bob.stopGtd();

  await t.step("clone", async () => {
    assert.deepEqual((await hub.status()).repositories, []);
    await carol.git("clone", "-q", url, "copy");
    await assertSameHead(alice, "hello", carol, "copy");
  });

  await t.step("the publisher comes back and the reader follows", async () => {
    await alice.gtr("daemon", "start");
    const next = await alice.commit("hello", "third.txt", "third\n");
    await carol.untilPublished(url, "refs/heads/main", next);
    await carol.gitIn(carol.path("copy"), "pull", "-q");
    await assertSameHead(alice, "hello", carol, "copy");
  });
});

Deno.test("a reader that was restarted seeds and republishes on its own", async () => {
  await using first = await Node.make("none");
  const bootstrap = await first.dht();
  await using alice = await Node.make(bootstrap);
  await using bob = await Node.make(bootstrap);
  const url = await alice.share("hello");
  const oid = await alice.commit("hello", "noise.txt", noise(LARGE));
  await bob.untilPublished(url, "refs/heads/main", oid);
  await bob.git("clone", "-q", url, "copy");
  for (const node of [alice, bob, first]) await node.stopGtd();

  // A network of new nodes that know nothing, at the address of the old one.
  await using second = await Node.make("none", { GTR_TORRENT_PORT: bootstrap.split(":")[1]! });
  assert.equal(await second.dht(), bootstrap);
  await bob.gtr("daemon", "start");
  await using carol = await Node.make(bootstrap);
  await carol.untilPublished(url, "refs/heads/main", oid);
  await carol.git("clone", "-q", url, "copy");
  await assertSameHead(alice, "hello", carol, "copy");
});

Deno.test("clones at the same time, in one home and in two", async () => {
  await using alice = await Node.make("none");
  const url = await alice.share("hello");
  const oid = await alice.commit("hello", "noise.txt", noise(2_000_000));
  const bootstrap = await alice.dht();
  await alice.untilPublished(url, "refs/heads/main", oid);
  await using bob = await Node.make(bootstrap);
  await using carol = await Node.make(bootstrap);
  await Promise.all([
    bob.git("clone", "-q", url, "one"), // no gtd runs yet: each of them starts it
    bob.git("clone", "-q", url, "two"),
    bob.git("clone", "-q", "--bare", url, "three"),
    carol.git("clone", "-q", url, "one"),
  ]);
  for (const copy of ["one", "two", "three"]) await assertSameHead(alice, "hello", bob, copy);
  await assertSameHead(alice, "hello", carol, "one");
  const [cloned] = (await bob.status()).repositories;
  assert.deepEqual([cloned.role, cloned.address], ["followed", url]);
});

Deno.test("a second clone needs no network", async () => {
  await using alice = await Node.make("none");
  const url = await alice.share("hello");
  await alice.commit("hello", "noise.txt", noise(LARGE));
  await using bob = await Node.make(await alice.dht());
  await bob.git("clone", "-q", url, "one");
  await alice.stopGtd();

  const { code, stderr } = await bob.run("git", ["clone", url, "two"]);
  assert.equal(code, 0, stderr);
  await assertSameHead(bob, "one", bob, "two");
});
