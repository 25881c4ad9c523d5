/** Only what is shared leaves: neither by name nor by object id, and in no file that is seeded. */
import assert from "node:assert/strict";
import { Node } from "./node.ts";

/** Ids of all objects in all packs below `folder`, whatever the packs are there for. */
async function packedObjects(node: Node, folder: string): Promise<Set<string>> {
  const objects = new Set<string>();
  const { stdout } = await node.run("find", [folder, "-name", "*.pack*", "-type", "f"]);
  const scratch = await Deno.makeTempDir({ dir: node.directory });
  await node.gitIn(scratch, "init", "-q");
  for (const path of stdout.split("\n").filter(Boolean)) {
    await node.gitIn(scratch, "index-pack", "-o", "scratch.idx", path);
    const index = await node.run("sh", ["-c", "git show-index < scratch.idx"], { cwd: scratch });
    for (const [, oid] of index.stdout.matchAll(/^\d+ ([0-9a-f]+)/gm)) objects.add(oid!);
    await Deno.remove(`${scratch}/scratch.idx`);
  }
  return objects;
}

/** Commit, tree and blob of `rev:file`. */
async function parts(node: Node, repository: string, rev: string, file: string): Promise<string[]> {
  const names = [`${rev}^{commit}`, `${rev}^{tree}`, `${rev}:${file}`];
  return (await node.gitIn(node.path(repository), "rev-parse", ...names)).split("\n");
}

/** Tries all ways git has to ask for an object id. */
async function assertUnobtainable(node: Node, url: string, oids: readonly string[]): Promise<void> {
  const cwd = await Deno.makeTempDir({ dir: node.directory });
  await node.gitIn(cwd, "init", "-q");
  for (const oid of oids) {
    for (const how of [[], ["--depth=1"], ["--filter=blob:none"], ["--refetch"]]) {
      const { code, stderr } = await node.run("git", ["fetch", ...how, url, oid], { cwd });
      assert.notEqual(code, 0, `git fetch ${how.join(" ")} ${url} ${oid} worked:\n${stderr}`);
    }
    assert.notEqual((await node.run("git", ["cat-file", "-e", oid], { cwd })).code, 0);
  }
}

function assertNone(objects: ReadonlySet<string>, oids: readonly string[]): void {
  assert(objects.size > 0);
  assert.deepEqual(oids.filter((oid) => objects.has(oid)), []);
}

Deno.test("objects of unshared branches stay at home", async (t) => {
  await using alice = await Node.make("none");
  const url = await alice.share("hello");
  const hello = alice.path("hello");
  await alice.gitIn(hello, "checkout", "-q", "-b", "secret");
  await alice.commit("hello", "secret.txt", "a secret\n");
  const secret = await parts(alice, "hello", "HEAD", "secret.txt");
  await alice.gitIn(hello, "tag", "-a", "hidden", "-m", "on the unshared branch");
  secret.push(await alice.gitIn(hello, "rev-parse", "hidden"));
  await alice.gitIn(hello, "checkout", "-q", "main");
  const oid = await alice.commit("hello", "open.txt", "open\n");
  await using bob = await Node.make(await alice.dht());
  await bob.untilPublished(url, "refs/heads/main", oid);
  await bob.git("clone", "-q", url, "copy");

  await t.step("they are not listed", async () => {
    const listed = await bob.git("ls-remote", url);
    assert.deepEqual(listed.split("\n").map((l) => l.split("\t")[1]), ["HEAD", "refs/heads/main"]);
  });

  await t.step("they can't be had by id, from the publisher's or a reader's store", async () => {
    await assertUnobtainable(bob, url, secret);
    await assertUnobtainable(alice, url, secret);
  });

  await t.step("they are in no pack", async () => {
    assertNone(await packedObjects(alice, alice.home), secret);
    assertNone(await packedObjects(bob, bob.home), secret);
  });
});

Deno.test("what is no longer shared is taken out", async (t) => {
  await using alice = await Node.make("none");
  const url = await alice.share("hello");
  const hello = alice.path("hello");
  await alice.gitIn(hello, "checkout", "-q", "-b", "draft");
  await alice.commit("hello", "draft.txt", "a draft\n");
  const draft = await parts(alice, "hello", "HEAD", "draft.txt");
  await alice.gtrIn(hello, "share", "draft");
  await using bob = await Node.make(await alice.dht());
  await bob.untilPublished(url, "refs/heads/draft", draft[0]);
  assert((await packedObjects(alice, alice.home)).has(draft[0]!), "it was shared");

  await t.step("a branch", async () => {
    await alice.gtrIn(hello, "remove", "draft");
    await bob.untilPublished(url, "refs/heads/draft", undefined);
    assertNone(await packedObjects(alice, alice.home), draft);
    await using carol = await Node.make(await alice.dht());
    await assertUnobtainable(carol, url, draft);
    await assertUnobtainable(alice, url, draft);
  });

  await t.step("the whole repository", async () => {
    await alice.gtrIn(hello, "remove", "main");
    assert.deepEqual(JSON.parse(await alice.gtr("list", "--json")), []);
    assert.deepEqual((await alice.status()).repositories, []);
    assert.equal((await packedObjects(alice, alice.home)).size, 0);
  });

  await t.step("and can be shared again at once", async () => {
    assert.equal(await alice.gtrIn(hello, "init"), url);
    for (const text of ["1", "2", "3", "4"]) {
      const oid = await alice.commit("hello", "open.txt", text);
      await alice.untilPublished(url, "refs/heads/draft", oid);
    }
    const oid = await alice.commit("hello", "open.txt", "5");
    await alice.gtrIn(hello, "remove", "draft");
    await alice.gtrIn(hello, "init");
    await bob.untilPublished(url, "refs/heads/draft", oid);
  });
});

Deno.test("tags that shared branches don't reach are shared only on request", async (t) => {
  await using alice = await Node.make("none");
  const url = await alice.share("hello");
  const hello = alice.path("hello");
  await alice.gitIn(hello, "tag", "reachable");
  await alice.gitIn(hello, "checkout", "-q", "--detach");
  await alice.commit("hello", "aside.txt", "aside\n");
  const aside = await parts(alice, "hello", "HEAD", "aside.txt");
  await alice.gitIn(hello, "tag", "-a", "aside", "-m", "aside");
  const tag = await alice.gitIn(hello, "rev-parse", "aside");
  const blob = await alice.gitIn(hello, "rev-parse", "HEAD:readme.txt");
  await alice.gitIn(hello, "tag", "of-a-blob", blob);
  await alice.gitIn(hello, "checkout", "-q", "main");
  const oid = await alice.commit("hello", "next.txt", "next\n");
  await using bob = await Node.make(await alice.dht());
  await bob.untilPublished(url, "refs/heads/main", oid);
  const tags = async () =>
    (await bob.git("ls-remote", "--tags", "--refs", url)).split("\n").map((l) => l.split("\t")[1]);

  await t.step("at first", async () => {
    assert.deepEqual(await tags(), ["refs/tags/reachable"]);
    await assertUnobtainable(bob, url, [...aside, tag]);
  });

  await t.step("with --tags", async () => {
    await alice.gtrIn(hello, "share", "--tags");
    await bob.untilPublished(url, "refs/tags/aside", tag);
    assert.deepEqual(await tags(), [
      "refs/tags/aside",
      "refs/tags/of-a-blob",
      "refs/tags/reachable",
    ]);
    await bob.git("clone", "-q", url, "copy");
    await bob.gitIn(bob.path("copy"), "fsck", "--full", "--strict");
    assert.equal(await bob.gitIn(bob.path("copy"), "rev-parse", "aside^{commit}"), aside[0]);
  });

  await t.step("and no longer with --no-tags", async () => {
    await alice.gtrIn(hello, "share", "--no-tags");
    await bob.untilPublished(url, "refs/tags/aside", undefined);
    assert.deepEqual(await tags(), ["refs/tags/reachable"]);
    assertNone(await packedObjects(alice, alice.home), [...aside, tag]);
  });
});

Deno.test("what was made by pushing is listed, and withdrawn by its name", async () => {
  await using alice = await Node.make("none");
  await using bob = await Node.make(await alice.dht());
  await alice.git("init", "-q", "work");
  const oid = await alice.commit("work", "a.txt", "a\n");
  const { id } = JSON.parse(await alice.gtr("id", "--json"));
  const url = `torrent://${id}/pushed`;
  await alice.gitIn(alice.path("work"), "push", "-q", url, "main");
  await bob.untilPublished(url, "refs/heads/main", oid);
  assert.deepEqual(JSON.parse(await alice.gtr("list", "--json")), [
    {
      repository: "pushed",
      branch: "main",
      oid,
      addresses: { torrent: url, holepunch: url.replace("torrent:", "holepunch:") },
    },
  ]);

  await alice.gtr("remove", "--repository", "pushed");
  assert.deepEqual(JSON.parse(await alice.gtr("list", "--json")), []);
  await bob.untilPublished(url, "refs/heads/main", undefined);
  const again = await alice.run("gtr", ["remove", "--repository", "pushed"]);
  assert.equal(again.code, 1);
});

Deno.test("a repository that is withdrawn is not to be cloned from what others keep of it", async () => {
  await using alice = await Node.make("none");
  const url = await alice.share("hello");
  const dht = await alice.dht();
  await using hub = await Node.make(dht);
  await hub.dht();
  await alice.gtrIn(alice.path("hello"), "remove", "main");
  await using bob = await Node.make(dht);
  const listed = await bob.run("git", ["ls-remote", url]);
  assert.equal(listed.stdout, "", "the DHT still has the old state");
});
