/** Holepunch with real programs and git: a HyperDHT of its own on loopback. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { Node } from "./node.ts";

/** Node's environment, but for where the network begins. */
const ENV = {
  GTR_TRANSPORTS: "holepunch",
  GTR_HOLEPUNCH_HOST: "127.0.0.1",
};

/** A user on the network that begins at `bootstrap`; "none": it begins here. */
function join(bootstrap: string): Promise<Node> {
  return Node.make("none", { ...ENV, GTR_HOLEPUNCH_BOOTSTRAP: bootstrap });
}

async function dhtOf(node: Node): Promise<string> {
  await node.gtr("daemon", "start");
  return await node.figure("holepunch", "dht");
}

Deno.test("holepunch: share, clone, pull, push; a follower serves when the publisher is away", async (t) => {
  await using first = await join("none");
  const bootstrap = await dhtOf(first);
  assert.match(bootstrap, /^127\.0\.0\.1:\d+$/);
  await using alice = await join(bootstrap);
  await using bob = await join(bootstrap);
  const url = await alice.share("hello");
  const { id, publicKey } = JSON.parse(await alice.gtr("id", "--json"));
  assert.equal(url, `holepunch://${id}/hello`);

  await t.step("clone, and pull what is new", async () => {
    await bob.git("clone", "-q", url, "copy");
    const oid = await alice.commit("hello", "more.txt", "more\n");
    await bob.untilPublished(url, "refs/heads/main", oid);
    await bob.gitIn(bob.path("copy"), "pull", "-q");
    assert.equal(await bob.gitIn(bob.path("copy"), "rev-parse", "HEAD"), oid);
    await bob.gitIn(bob.path("copy"), "fsck", "--full");
  });
  await t.step("an address with the whole key, and one of no network in particular", async () => {
    await bob.git("clone", "-q", `holepunch://${publicKey}/hello`, "by-key");
    await using carol = await join(bootstrap);
    await carol.git("clone", "-q", `gtr://${id}/hello`, "any");
    assert.equal(await Deno.readTextFile(carol.path("any/more.txt")), "more\n");
  });
  await t.step("another network's address, where only this one has it", async () => {
    await using dave = await join(bootstrap);
    dave.env.GTR_TRANSPORTS = "torrent,holepunch";
    await dave.git("clone", "-q", `torrent://${id}/hello`, "copy");
    assert.equal(await Deno.readTextFile(dave.path("copy/more.txt")), "more\n");
  });
  await t.step("a push to one's own address", async () => {
    await alice.git("clone", "-q", url, "desk");
    const oid = await alice.commit("desk", "pushed.txt", "pushed\n");
    await alice.gitIn(alice.path("desk"), "push", "-q", "origin", "main");
    await bob.untilPublished(url, "refs/heads/main", oid);
    await bob.gitIn(bob.path("copy"), "pull", "-q");
  });
  await t.step("the publisher goes, and whoever has it serves it", async () => {
    const head = await bob.gitIn(bob.path("copy"), "rev-parse", "HEAD");
    await alice.stopGtd();
    await using carol = await join(bootstrap);
    await carol.git("clone", "-q", url, "copy");
    assert.equal(await carol.gitIn(carol.path("copy"), "rev-parse", "HEAD"), head);
    await carol.git("clone", "-q", "--depth=1", url, "shallow");
    assert.equal(await carol.gitIn(carol.path("shallow"), "rev-list", "--count", "HEAD"), "1");
  });
  await t.step("nobody who has it is there, and the DHT has it", async () => {
    const head = await bob.gitIn(bob.path("copy"), "rev-parse", "HEAD");
    await bob.stopGtd();
    await using dave = await join(bootstrap);
    await dave.git("clone", "-q", url, "copy");
    assert.equal(await dave.gitIn(dave.path("copy"), "rev-parse", "HEAD"), head);
  });
});

Deno.test("holepunch: a part of a repository comes live, and only that", async () => {
  await using first = await join("none");
  const bootstrap = await dhtOf(first);
  await using alice = await join(bootstrap);
  await using bob = await join(bootstrap);
  const url = await alice.share("big");
  let oid = "";
  for (let i = 0; i < 4; i++) {
    oid = await alice.commit("big", "file.txt", randomBytes(500_000).toString("hex"));
  }
  await alice.untilPublished(url, "refs/heads/main", oid);
  await bob.git("clone", "-q", "--depth=1", url, "shallow");
  assert.equal(await bob.gitIn(bob.path("shallow"), "rev-list", "--count", "--all"), "1");
  assert.equal(await bob.gitIn(bob.path("shallow"), "rev-parse", "HEAD"), oid);
  await bob.gitIn(bob.path("shallow"), "fsck", "--full");
  const { stdout } = await bob.run("find", [`${bob.home}/store`, "-name", "*.pack"]);
  assert.equal(stdout, "", "no whole pack was fetched");
});
