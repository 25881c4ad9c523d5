/** `gtr follow --branches`: brought up to date as those change, whole, and passed on as it is. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { noise } from "./history.ts";
import { pinned, SERVE, served, stranger } from "./https_nodes.ts";
import { Node } from "./node.ts";
import { assertSound } from "./stored.ts";

/** Too large for the DHT: a peer has to send it. */
const LARGE = 200_000;
const UNTIL_MS = 60_000;

/** Waits until the node's gtd has logged such a line. */
async function untilLogged(node: Node, line: RegExp): Promise<void> {
  const path = join(node.home, "gtd.log");
  const isThere = async () => line.test(await Deno.readTextFile(path));
  using watcher = Deno.watchFs(path);
  const timer = setTimeout(() => watcher.return?.(), UNTIL_MS);
  try {
    if (await isThere()) return;
    for await (const _event of watcher) if (await isThere()) return;
  } finally {
    clearTimeout(timer);
  }
  assert.fail(
    `waited ${UNTIL_MS / 1000} s in vain for ${line} in:\n${await Deno.readTextFile(path)}`,
  );
}

/** The only repository of a node's store. */
async function repository(node: Node): Promise<{ sequence: number; branches?: string[] }> {
  const { repositories } = await node.status();
  assert.equal(repositories.length, 1);
  return repositories[0];
}

Deno.test("a copy is brought up to date as the named branches change", async (t) => {
  await using hub = await Node.make("none");
  const bootstrap = await hub.dht();
  hub.env.GTR_TORRENT_PORT = bootstrap.split(":")[1]!; // where it is found again
  await using alice = await Node.make(bootstrap);
  await using bob = await Node.make(bootstrap, SERVE);
  const work = alice.path("hello");
  const url = await alice.share("hello");
  const stored = await bob.stored("hello", alice);
  const tip = (node: Node, folder: string, branch: string) =>
    node.gitIn(folder, "rev-parse", branch);
  const change = async (branch: string, file: string, seed: number) => {
    await alice.gitIn(work, "checkout", "-q", branch);
    return await alice.commit("hello", file, noise(LARGE, seed));
  };
  /** The newest publication of Alice, once it is that with this branch. */
  const published = async (ref: string, oid: string | undefined) => {
    await alice.untilPublished(url, ref, oid);
    return (await repository(alice)).sequence;
  };
  const follows = async (sequence: number) => {
    await untilLogged(bob, new RegExp(`followed hello: publication ${sequence},`));
    assert.equal((await repository(bob)).sequence, sequence);
    await assertSound(bob, stored);
  };
  const skips = async (sequence: number) => {
    const before = (await repository(bob)).sequence;
    await untilLogged(bob, new RegExp(`skipped hello: publication ${sequence} changes no`));
    assert.equal((await repository(bob)).sequence, before);
    assert.ok(before < sequence);
  };

  const main = await change("main", "noise.txt", 1);
  await alice.gitIn(work, "branch", "dev");
  await alice.gtrIn(work, "share", "dev");
  const dev = await change("dev", "dev.txt", 2);
  const first = await published("refs/heads/dev", dev);

  await t.step("follow says which branches are not there, status which are followed", async () => {
    const { code, stdout, stderr } = await bob.run("gtr", [
      ...["follow", url, "--branches", "main,later"],
    ]);
    assert.deepEqual([code, stdout], [0, `${url}\n`], stderr);
    assert.match(stderr, /^warning: hello has no later now; it has dev, main$/m);
    const { sequence, branches } = await repository(bob);
    assert.deepEqual([sequence, branches], [first, ["main", "later"]]);
    assert.match(await bob.gtr("status"), /followed \(main, later\)/);
    assert.deepEqual(JSON.parse(await bob.gtr("follow", "--json"))[0].branches, ["main", "later"]);
  });

  await t.step("another branch and a tag change: heard of, and not fetched", async () => {
    const oid = await change("dev", "dev.txt", 3);
    await skips(await published("refs/heads/dev", oid));
    await alice.gitIn(work, "tag", "v1", "main");
    await skips(await published("refs/tags/v1", main));
  });

  await t.step("it is served and seeded as it is while the publisher is away", async () => {
    await alice.stopGtd();
    const server = await served(bob);
    const id = new URL(url).host;
    await using reader = await stranger();
    const path = `https://${server.listen}/${id}/hello.git`;
    await reader.git(...pinned(server), "clone", "-q", path, "copy");
    assert.equal(await tip(reader, reader.path("copy"), "origin/dev"), dev);

    // As after some hours: nobody in the DHT remembers what Alice published last.
    for (const node of [bob, hub]) await node.stopGtd();
    assert.equal(await hub.dht(), bootstrap);
    await bob.gtr("daemon", "start");
    await using carol = await Node.make(bootstrap);
    await carol.untilPublished(url, "refs/heads/main", main);
    await carol.git("clone", "-q", url, "copy");
    assert.equal(await tip(carol, carol.path("copy"), "origin/main"), main);
    assert.equal(await tip(carol, carol.path("copy"), "origin/dev"), dev);
    assert.equal((await repository(carol)).sequence, first);
    await carol.gitIn(carol.path("copy"), "fsck", "--full", "--strict");
    assert.equal(await alice.gtdPid(), undefined);
  });

  await t.step("a named branch changes: all is fetched", async () => {
    await alice.gtr("daemon", "start");
    const oid = await change("main", "noise.txt", 4);
    await follows(await published("refs/heads/main", oid));
    assert.equal(await tip(bob, stored, "main"), oid);
    assert.equal(await tip(bob, stored, "dev"), await tip(alice, work, "dev"));
  });

  await t.step("a named branch is forced back, created, deleted", async () => {
    await alice.gitIn(work, "reset", "-q", "--hard", main);
    await follows(await published("refs/heads/main", main));
    await alice.gitIn(work, "branch", "later", "dev");
    await alice.gtrIn(work, "share", "later");
    await follows(await published("refs/heads/later", await tip(alice, work, "dev")));
    await alice.gtrIn(work, "remove", "later");
    await follows(await published("refs/heads/later", undefined));
  });

  await t.step("git clone of the user's own brings everything up to date", async () => {
    const oid = await change("dev", "dev.txt", 5);
    const sequence = await published("refs/heads/dev", oid);
    await skips(sequence);
    await bob.git("clone", "-q", url, "copy");
    assert.equal(await tip(bob, bob.path("copy"), "origin/dev"), oid);
    assert.equal((await repository(bob)).sequence, sequence);
  });

  await t.step("following again replaces the branches; without any, all count", async () => {
    await bob.gtr("follow", url, "--branches", "dev");
    assert.deepEqual((await repository(bob)).branches, ["dev"]);
    await follows(await published("refs/heads/dev", await change("dev", "dev.txt", 6)));
    await skips(await published("refs/heads/main", await change("main", "noise.txt", 7)));
    await bob.gtr("follow", url);
    assert.equal((await repository(bob)).branches, undefined);
    await follows(await published("refs/heads/main", await change("main", "noise.txt", 8)));
    const wrong = await bob.run("gtr", ["follow", url, "--branches", "topic/*"]);
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /'topic\/\*' can't be the name of a branch\nhint: .*patterns/);
  });
});
