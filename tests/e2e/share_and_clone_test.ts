/** The main job: share from one home, clone and follow from another, with plain git. */
import assert from "node:assert/strict";
import { Node } from "./node.ts";

Deno.test("share, clone, pull: commits, branches and tags travel on their own", async (t) => {
  await using alice = await Node.make("none");
  const url = await alice.share("hello");
  await using bob = await Node.make(await alice.dht());

  await t.step("init prints only the address", async () => {
    const { id, publicKey } = JSON.parse(await alice.gtr("id", "--json"));
    assert.match(publicKey, /^[0-9a-f]{64}$/);
    assert.equal(url, `torrent://${id}/hello`);
  });

  await t.step("clone", async () => {
    await bob.git("clone", "-q", url, "copy");
    assert.equal(await Deno.readTextFile(bob.path("copy/readme.txt")), "hello\n");
    assert.equal(
      await bob.gitIn(bob.path("copy"), "rev-parse", "HEAD"),
      await alice.gitIn(alice.path("hello"), "rev-parse", "HEAD"),
    );
    await bob.gitIn(bob.path("copy"), "fsck", "--full", "--strict");
  });

  await t.step("a commit is published without a push", async () => {
    const oid = await alice.commit("hello", "readme.txt", "hello again\n");
    await bob.untilPublished(url, "refs/heads/main", oid);
    await bob.gitIn(bob.path("copy"), "pull", "-q");
    assert.equal(await bob.gitIn(bob.path("copy"), "rev-parse", "HEAD"), oid);
  });

  await t.step("a rewritten branch is published", async () => {
    await alice.gitIn(alice.path("hello"), "commit", "-q", "--amend", "-m", "amended");
    const oid = await alice.gitIn(alice.path("hello"), "rev-parse", "HEAD");
    await bob.untilPublished(url, "refs/heads/main", oid);
    await bob.gitIn(bob.path("copy"), "fetch", "-q");
    assert.equal(await bob.gitIn(bob.path("copy"), "rev-parse", "origin/main"), oid);
  });

  await t.step("branches come and go", async () => {
    const hello = alice.path("hello");
    await alice.gitIn(hello, "checkout", "-q", "-b", "feature/x");
    const oid = await alice.commit("hello", "x.txt", "x\n");
    await alice.gtrIn(hello, "share", "feature/x");
    await bob.untilPublished(url, "refs/heads/feature/x", oid);
    await bob.gitIn(bob.path("copy"), "fetch", "-q");
    assert.equal(await bob.gitIn(bob.path("copy"), "rev-parse", "origin/feature/x"), oid);

    await alice.gitIn(hello, "checkout", "-q", "main");
    await alice.gitIn(hello, "branch", "-q", "-D", "feature/x");
    await bob.untilPublished(url, "refs/heads/feature/x", undefined);
    await bob.gitIn(bob.path("copy"), "fetch", "-q", "--prune");
    assert.equal(
      await bob.gitIn(bob.path("copy"), "branch", "-r", "--list", "origin/feature/x"),
      "",
    );
  });

  await t.step("tags of shared commits come along, packed refs too", async () => {
    const hello = alice.path("hello");
    await alice.gitIn(hello, "tag", "-a", "v1", "-m", "one");
    const tag = await alice.gitIn(hello, "rev-parse", "v1");
    await alice.gitIn(hello, "pack-refs", "--all");
    await bob.untilPublished(url, "refs/tags/v1", tag);
    await bob.gitIn(bob.path("copy"), "fetch", "-q");
    assert.equal(await bob.gitIn(bob.path("copy"), "rev-parse", "v1"), tag);
  });

  await t.step("a commit made in another worktree is noticed", async () => {
    const hello = alice.path("hello");
    await alice.gitIn(hello, "branch", "side");
    await alice.gtrIn(hello, "share", "side");
    await alice.gitIn(hello, "worktree", "add", "-q", alice.path("side-tree"), "side");
    const oid = await alice.commit("side-tree", "side.txt", "side\n");
    await bob.untilPublished(url, "refs/heads/side", oid);
  });
});

Deno.test("push to one's own address", async (t) => {
  await using alice = await Node.make("none");
  const url = await alice.share("hello");
  await using bob = await Node.make(await alice.dht());
  await alice.git("clone", "-q", url, "desk");
  const desk = alice.path("desk");
  const head = () => alice.gitIn(desk, "rev-parse", "HEAD");

  await t.step("fast-forward", async () => {
    const oid = await alice.commit("desk", "a.txt", "a\n");
    await alice.gitIn(desk, "push", "-q", "origin", "main");
    await bob.untilPublished(url, "refs/heads/main", oid);
  });

  await t.step("a new branch and a tag", async () => {
    await alice.gitIn(desk, "checkout", "-q", "-b", "topic");
    const oid = await alice.commit("desk", "b.txt", "b\n");
    await alice.gitIn(desk, "tag", "-a", "v2", "-m", "two");
    await alice.gitIn(desk, "push", "-q", "origin", "topic", "v2");
    await bob.untilPublished(url, "refs/heads/topic", oid);
    await bob.untilPublished(url, "refs/tags/v2", await alice.gitIn(desk, "rev-parse", "v2"));
  });

  await t.step("only a forced push drops commits", async () => {
    await alice.gitIn(desk, "commit", "-q", "--amend", "-m", "other words");
    const refused = await alice.run("git", ["push", "origin", "topic"], { cwd: desk });
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /rejected.*\((non-fast-forward|fetch first)\)/);
    await alice.gitIn(desk, "push", "-q", "--force", "origin", "topic");
    await bob.untilPublished(url, "refs/heads/topic", await head());
  });

  await t.step("deletion", async () => {
    await alice.gitIn(desk, "push", "-q", "origin", "--delete", "topic");
    await bob.untilPublished(url, "refs/heads/topic", undefined);
  });

  await t.step("the working repository goes on from what was pushed", async () => {
    const hello = alice.path("hello");
    await alice.gitIn(hello, "pull", "-q", url, "main");
    const oid = await alice.commit("hello", "c.txt", "c\n");
    await bob.untilPublished(url, "refs/heads/main", oid);
  });

  await t.step("a push to someone else's address is refused with a hint", async () => {
    await bob.git("clone", "-q", url, "copy");
    await bob.commit("copy", "d.txt", "d\n");
    const refused = await bob.run("git", ["push", "origin", "main"], { cwd: bob.path("copy") });
    assert.notEqual(refused.code, 0);
    assert.match(refused.stderr, /only its publisher can/);
    assert.match(refused.stderr, /^hint: /m);
  });
});
