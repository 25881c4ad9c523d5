/** What else git can do with a remote works with these too. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { canMount, smallDisk } from "../../scripts/local/disk.ts";
import { Node } from "./node.ts";

/** A publisher of three commits, a side branch and a tag, and a reader. */
async function world(): Promise<AsyncDisposable & { alice: Node; bob: Node; url: string }> {
  const alice = await Node.make("none");
  const url = await alice.share("hello");
  const hello = alice.path("hello");
  await alice.commit("hello", "folder/a.txt", "a\n");
  await alice.gitIn(hello, "tag", "-a", "v1", "-m", "one");
  await alice.gitIn(hello, "branch", "side");
  const oid = await alice.commit("hello", "folder/b.txt", "b\n");
  await alice.gtrIn(hello, "share", "side");
  const bob = await Node.make(await alice.dht());
  await bob.untilPublished(url, "refs/heads/main", oid);
  return {
    alice,
    bob,
    url,
    async [Symbol.asyncDispose]() {
      await bob[Symbol.asyncDispose]();
      await alice[Symbol.asyncDispose]();
    },
  };
}

Deno.test("ways to clone and fetch", async (t) => {
  await using parts = await world();
  const { alice, bob, url } = parts;
  const hello = alice.path("hello");
  const lines = (text: string) => text.split("\n").filter(Boolean);
  const git = (name: string, ...args: string[]) => bob.gitIn(bob.path(name), ...args);
  const count = async (name: string) => Number(await git(name, "rev-list", "--count", "--all"));
  const sameRefs = async (name: string) => {
    const refs = ["for-each-ref", "--format=%(objectname) %(refname)"];
    assert.equal(await git(name, ...refs), await alice.gitIn(hello, ...refs));
  };

  await t.step("ls-remote", async () => {
    const refs = await bob.git("ls-remote", url);
    const wanted = await bob.git("ls-remote", hello);
    assert.equal(refs, wanted);
    const symref = await bob.git("ls-remote", "--symref", url, "HEAD");
    assert.match(symref, /^ref: refs\/heads\/main\tHEAD$/m);
  });
  await t.step("--bare and --mirror", async () => {
    await bob.git("clone", "-q", "--bare", url, "bare");
    await sameRefs("bare");
    await bob.git("clone", "-q", "--mirror", url, "mirror");
    await sameRefs("mirror");
    await git("mirror", "fsck", "--full", "--strict");
  });
  await t.step("--depth, and then all of it", async () => {
    await bob.git("clone", "-q", "--depth=1", url, "shallow");
    assert.equal(await count("shallow"), 1);
    await git("shallow", "fetch", "-q", "--deepen=1");
    assert.equal(await count("shallow"), 2);
    await git("shallow", "fetch", "-q", "--unshallow");
    assert.equal(await count("shallow"), 3);
    await git("shallow", "fsck", "--full");
  });
  await t.step("--filter=blob:none fetches blobs when they are looked at", async () => {
    await bob.git("clone", "-q", "--no-checkout", "--filter=blob:none", url, "partial");
    const missing = ["rev-list", "--objects", "--missing=print", "--all"];
    const absent = lines(await git("partial", ...missing)).filter((l) => l.startsWith("?"));
    assert.equal(absent.length, 3);
    await git("partial", "checkout", "-q", "main");
    assert.equal(await Deno.readTextFile(bob.path("partial/folder/b.txt")), "b\n");
  });
  await t.step("--single-branch and --branch", async () => {
    await bob.git("clone", "-q", "--single-branch", "--branch=side", url, "single");
    assert.equal(
      await git("single", "branch", "-a", "--format=%(refname:short)"),
      "side\norigin/side",
    );
    await bob.git("clone", "-q", "--branch=v1", url, "at-tag");
    assert.equal(await git("at-tag", "describe"), "v1");
  });
  await t.step("fetch --tags, remote update, fetch of one branch, worktrees", async () => {
    await bob.git("init", "-q", "byhand");
    await git("byhand", "remote", "add", "-t", "side", "origin", url);
    await git("byhand", "fetch", "-q", "--no-tags", "origin");
    assert.equal(
      await git("byhand", "for-each-ref", "--format=%(refname)"),
      "refs/remotes/origin/side",
    );
    await git("byhand", "fetch", "-q", "--tags", "origin");
    assert.equal(await git("byhand", "tag"), "v1");
    await git("byhand", "worktree", "add", "-q", bob.path("tree"), "origin/side");
    await git("byhand", "remote", "set-branches", "origin", "*");
    await bob.gitIn(bob.path("tree"), "remote", "update");
    assert.equal(
      await git("byhand", "rev-parse", "origin/main"),
      await alice.gitIn(hello, "rev-parse", "main"),
    );
  });
  await t.step("pull --rebase", async () => {
    await bob.git("clone", "-q", url, "rebased");
    await bob.commit("rebased", "mine.txt", "mine\n");
    const oid = await alice.commit("hello", "theirs.txt", "theirs\n");
    await bob.untilPublished(url, "refs/heads/main", oid);
    await git("rebased", "pull", "-q", "--rebase");
    assert.equal(await git("rebased", "rev-parse", "HEAD^"), oid);
  });
  await t.step("submodules with relative addresses", async () => {
    await alice.share("part");
    await alice.gitIn(hello, "submodule", "add", "-q", alice.path("part"), "part");
    await alice.gitIn(hello, "config", "-f", ".gitmodules", "submodule.part.url", "../part");
    const oid = await alice.commit("hello", "d.txt", "d\n");
    await bob.untilPublished(url, "refs/heads/main", oid);
    // git wants to be told once which protocols a submodule may use.
    const refused = await bob.run("git", ["clone", "-q", "--recurse-submodules", url, "refused"]);
    assert.match(refused.stderr, /^fatal: transport 'torrent' not allowed$/m);
    await bob.git("config", "--global", "protocol.torrent.allow", "always");
    await bob.git("clone", "-q", "--recurse-submodules", url, "super");
    assert.equal(await Deno.readTextFile(bob.path("super/part/readme.txt")), "hello\n");
  });
});

Deno.test("sha256 and empty repositories", async (t) => {
  await using alice = await Node.make("none");
  await using bob = await Node.make(await alice.dht());
  for (const format of ["sha1", "sha256"]) {
    await t.step(format, async () => {
      const path = alice.path(format);
      await alice.git("init", "-q", "-b", "trunk", `--object-format=${format}`, path);
      const url = await alice.gtrIn(path, "init");
      const empty = bob.path(`${format}-empty`);
      await bob.git("clone", "-q", url, empty);
      assert.equal(await bob.gitIn(empty, "symbolic-ref", "HEAD"), "refs/heads/trunk");
      // git before 2.41 makes a sha1 repository of any empty one.
      await bob.git("clone", "-q", `file://${path}`, `${format}-plain`);
      const formatOf = (copy: string) => bob.gitIn(copy, "rev-parse", "--show-object-format");
      assert.equal(await formatOf(empty), await formatOf(bob.path(`${format}-plain`)));
      const follows = await formatOf(empty) === format;

      const oid = await alice.commit(format, "a.txt", "a\n");
      assert.equal(oid.length, format === "sha1" ? 40 : 64);
      await bob.untilPublished(url, "refs/heads/trunk", oid);
      if (follows) await bob.gitIn(empty, "pull", "-q");
      await bob.git("clone", "-q", url, format);
      for (const copy of [...(follows ? [empty] : []), bob.path(format)]) {
        assert.equal(await bob.gitIn(copy, "rev-parse", "HEAD"), oid);
        await bob.gitIn(copy, "fsck", "--full", "--strict");
      }
      const next = await alice.commit(format, "b.txt", "b\n");
      await bob.untilPublished(url, "refs/heads/trunk", next);
      await bob.gitIn(bob.path(format), "pull", "-q");
      assert.equal(await bob.gitIn(bob.path(format), "rev-parse", "HEAD"), next);
    });
  }
});

Deno.test("ways to push", async (t) => {
  await using parts = await world();
  const { alice, bob, url } = parts;
  const hello = alice.path("hello");
  const id = url.split("/")[2]!;
  await alice.git("clone", "-q", url, "desk");
  const desk = alice.path("desk");
  const remote = async (ref: string) => (await alice.git("ls-remote", url, ref)).split("\t")[0];

  await t.step("--dry-run changes nothing", async () => {
    const before = await remote("refs/heads/main");
    await alice.commit("desk", "new.txt", "new\n");
    const dry = await alice.run("git", ["push", "--dry-run", "origin", "main"], { cwd: desk });
    assert.equal(dry.code, 0, dry.stderr);
    assert.match(dry.stderr, /main -> main/);
    assert.equal(await remote("refs/heads/main"), before);
  });
  await t.step("--force-with-lease", async () => {
    await alice.gitIn(desk, "push", "-q", "origin", "main");
    const seen = await alice.gitIn(desk, "rev-parse", "HEAD");
    await alice.gitIn(hello, "pull", "-q", url, "main");
    const theirs = await alice.commit("hello", "theirs.txt", "theirs\n");
    await alice.untilPublished(url, "refs/heads/main", theirs);
    await alice.gitIn(desk, "commit", "-q", "--amend", "-m", "other words");
    const push = (expected: string) => {
      const lease = `--force-with-lease=main:${expected}`;
      return alice.run("git", ["push", lease, "origin", "main"], { cwd: desk });
    };
    const refused = await push(seen);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /rejected.*stale info/);
    assert.equal(await remote("refs/heads/main"), theirs);
    const accepted = await push(theirs);
    assert.equal(accepted.code, 0, accepted.stderr);
    assert.equal(await remote("refs/heads/main"), await alice.gitIn(desk, "rev-parse", "HEAD"));
  });
  await t.step("--atomic is all or nothing", async () => {
    const before = await remote("refs/heads/side");
    await alice.gitIn(desk, "checkout", "-q", "--orphan", "unrelated");
    await alice.commit("desk", "u.txt", "u\n");
    const refspecs = ["HEAD:refs/heads/fresh", "HEAD:refs/heads/side"];
    const { code } = await alice.run("git", ["push", "--atomic", url, ...refspecs], { cwd: desk });
    assert.equal(code, 1);
    assert.deepEqual([await remote("refs/heads/side"), await remote("refs/heads/fresh")], [
      before,
      "",
    ]);
  });
  await t.step("--mirror to a new address makes a repository without a working one", async () => {
    const target = `torrent://${id}/mirrored`;
    await alice.git("clone", "-q", "--mirror", url, "mirror.git");
    const mirror = alice.path("mirror.git");
    await alice.gitIn(mirror, "push", "-q", "--mirror", target);
    const refs = ["for-each-ref", "--format=%(objectname) %(refname)"];
    await bob.git("clone", "-q", "--mirror", target, "copy.git");
    assert.equal(
      await bob.gitIn(bob.path("copy.git"), ...refs),
      await alice.gitIn(mirror, ...refs),
    );
    await alice.gitIn(mirror, "branch", "-q", "-D", "side");
    await alice.gitIn(mirror, "push", "-q", "--mirror", target);
    await bob.untilPublished(target, "refs/heads/side", undefined);
  });
});

Deno.test({
  name: "a clone on another file system gets copies (needs the right to mount)",
  ignore: !await canMount(),
  fn: async () => {
    await using disk = (await smallDisk(32))!;
    await using parts = await world();
    const { alice, bob, url } = parts;
    const copy = join(disk.path, "copy");
    await bob.git("clone", "-q", url, copy);
    await bob.gitIn(copy, "fsck", "--full", "--strict");
    assert.equal(
      await bob.gitIn(copy, "rev-parse", "HEAD"),
      await alice.gitIn(alice.path("hello"), "rev-parse", "HEAD"),
    );
    await bob.git("clone", "-q", url, "linked"); // and here they are links
    const links = async (folder: string) =>
      (await bob.run("find", [folder, "-name", "*.pack", "-links", "+1"])).stdout !== "";
    assert.deepEqual([await links(copy), await links(bob.path("linked"))], [false, true]);
  },
});
