/** Real `git clone` and `git ls-remote` through the helper. */
import assert from "node:assert/strict";
import { NEEDS_OTHER_DISK, OTHER_DISK } from "../common/other_disk.ts";
import { Publication } from "./publication.ts";
import { Sandbox } from "./sandbox.ts";

Deno.test("git clone: objects, refs, HEAD and tags come whole; nothing is left behind", async () => {
  await using box = await Sandbox.open();
  const publication = await box.published("hello");
  await box.git("hello-work", "tag", "-a", "-m", "First", "v1");
  await box.git("hello-work", "branch", "topic");
  const tip = await box.commit("hello-work", "two.txt");
  await box.publish(publication);

  const { code, stderr } = await box.run(".", "clone", publication.address, "copy");
  assert.deepEqual([code, stderr], [0, "Cloning into 'copy'...\n"]);
  assert.equal(await box.git("copy", "rev-parse", "HEAD"), tip);
  assert.equal(await box.git("copy", "symbolic-ref", "HEAD"), "refs/heads/main");
  assert.equal(
    await box.git("copy", "rev-parse", "origin/topic"),
    await box.git("hello-work", "rev-parse", "topic"),
  );
  assert.equal(await box.git("copy", "tag"), "v1");
  assert.equal(await box.git("copy", "status", "--porcelain"), "");
  await box.git("copy", "fsck", "--strict");
  const names = await Array.fromAsync(Deno.readDir(box.path("copy/.git/objects/pack")));
  assert.ok(names.every(({ name }) => /^pack-[0-9a-f]{40}\.(pack|idx)$/.test(name)));
});

Deno.test("git clone: packs are hard links", async () => {
  await using box = await Sandbox.open();
  const publication = await box.published("hello");
  await box.git(".", "clone", "-q", publication.address, "copy");
  const packs = await Array.fromAsync(Deno.readDir(box.path("copy/.git/objects/pack")));
  for (const { name } of packs) {
    assert.equal((await Deno.stat(box.path("copy/.git/objects/pack", name))).nlink, 2, name);
  }
});

Deno.test({
  name: `git clone: packs are copies on another file system${NEEDS_OTHER_DISK}`,
  ignore: !OTHER_DISK,
  fn: async () => {
    await using box = await Sandbox.open();
    const publication = await box.published("hello");
    const elsewhere = await Deno.makeTempDir({ dir: OTHER_DISK });
    try {
      await box.git(".", "clone", "-q", publication.address, `${elsewhere}/copy`);
      await box.git(`${elsewhere}/copy`, "fsck");
    } finally {
      await Deno.remove(elsewhere, { recursive: true });
    }
  },
});

Deno.test("git clone: git takes the helper's word instead of walking all objects", async () => {
  await using box = await Sandbox.open();
  const publication = await box.published("hello");
  await box.git("hello-work", "tag", "v1");
  for (const file of ["two.txt", "three.txt"]) {
    await box.commit("hello-work", file);
    await box.publish(publication);
  }
  // A walk would find what the first pack no longer brings.
  const { packs } = await publication.state();
  await publication.change({ packs: packs.slice(1) });
  await box.git(".", "clone", "-q", "--no-checkout", publication.address, "copy");
  assert.notEqual((await box.run("copy", "fsck", "--connectivity-only")).code, 0);
});

Deno.test("git clone --single-branch, git fetch of one branch: no tags of other branches", async () => {
  await using box = await Sandbox.open();
  const publication = await box.published("hello");
  await box.git("hello-work", "branch", "topic");
  await box.git("hello-work", "tag", "-a", "-m", "First", "v1");
  await box.commit("hello-work", "two.txt");
  await box.git("hello-work", "tag", "-a", "-m", "Second", "v2");
  await box.publish(publication);
  const single = ["clone", "-q", "--single-branch", "-b", "topic"];
  await box.git(".", ...single, `file://${box.path("hello-work")}`, "theirs");
  await box.git(".", ...single, publication.address, "ours");
  assert.equal(await box.git("theirs", "tag"), "v1");
  assert.equal(await box.git("ours", "tag"), "v1");

  await box.git("hello-work", "checkout", "-q", "topic");
  const tip = await box.commit("hello-work", "three.txt");
  await box.git("hello-work", "tag", "t3");
  await box.publish(publication);
  await box.git("ours", "fetch", "-q");
  assert.equal(await box.git("ours", "rev-parse", "origin/topic"), tip);
  assert.equal(await box.git("ours", "tag"), "t3\nv1");
  await box.git("ours", "fetch", "-q", "origin", "main"); // git follows no tags without a refspec
  await box.git("ours", "fetch", "-q", "origin", "main:refs/remotes/origin/main");
  assert.equal(await box.git("ours", "tag"), "t3\nv1\nv2");
  await box.git("ours", "fsck", "--strict");
});

Deno.test("git clone --bare, --mirror, --single-branch, --no-tags, -b tag", async () => {
  await using box = await Sandbox.open();
  const publication = await box.published("hello");
  await box.git("hello-work", "tag", "v1");
  await box.git("hello-work", "branch", "topic");
  await box.commit("hello-work", "two.txt");
  await box.publish(publication);
  const refs = (folder: string) =>
    box.git(folder, "for-each-ref", "--format=%(refname) %(objectname)", "refs");

  await box.git(".", "clone", "-q", "--mirror", publication.address, "mirror");
  assert.equal(await refs("mirror"), await refs("hello-work"));
  await box.git(".", "clone", "-q", "--bare", publication.address, "bare");
  assert.equal(await refs("bare"), await refs("hello-work"));
  await box.git(".", "clone", "-q", "--single-branch", "--no-tags", publication.address, "single");
  assert.match(
    await refs("single"),
    /^refs\/heads\/main \w+\nrefs\/remotes\/origin\/HEAD \w+\n.*main \w+$/,
  );
  await box.git(".", "clone", "-q", "-b", "v1", publication.address, "at-tag");
  assert.equal(
    await box.git("at-tag", "rev-parse", "HEAD"),
    await box.git("hello-work", "rev-parse", "v1"),
  );
});

Deno.test("git clone: sha256", async () => {
  await using box = await Sandbox.open();
  const publication = await box.published("hello", "sha256");
  await box.git(".", "clone", "-q", publication.address, "copy");
  assert.equal(await box.git("copy", "rev-parse", "--show-object-format"), "sha256");
  const tip = await box.commit("hello-work", "two.txt");
  assert.equal(tip.length, 64);
  await box.publish(publication);
  await box.git("copy", "pull", "-q");
  assert.equal(await box.git("copy", "rev-parse", "HEAD"), tip);
  await box.git("copy", "fsck");
  const pushed = await box.commit("copy", "three.txt");
  await box.git("copy", "push", "-q");
  assert.equal((await publication.state()).refs["refs/heads/main"], pushed);
});

Deno.test("git clone: an empty repository, with git's own warning and the publisher's HEAD", async () => {
  await using box = await Sandbox.open();
  const publication = await Publication.create(box.root, "new");
  await box.git(publication.gitDir, "symbolic-ref", "HEAD", "refs/heads/trunk");
  await publication.change({ head: "refs/heads/trunk" });
  const { code, stderr } = await box.run(".", "clone", publication.address, "copy");
  assert.deepEqual([code, stderr], [
    0,
    "Cloning into 'copy'...\nwarning: You appear to have cloned an empty repository.\n",
  ]);
  assert.equal(await box.git("copy", "symbolic-ref", "HEAD"), "refs/heads/trunk");
  const pushed = await box.commit("copy", "first.txt");
  await box.git("copy", "push", "-q", "origin", "HEAD");
  assert.deepEqual((await publication.state()).refs, { "refs/heads/trunk": pushed });
  await box.git("copy", "pull", "-q");
});

Deno.test("git clone: HEAD that names no published branch", async () => {
  await using box = await Sandbox.open();
  const publication = await box.published("hello");
  await publication.change({ head: "refs/heads/gone" });
  const { code, stderr } = await box.run(".", "clone", publication.address, "copy");
  assert.equal(code, 0, stderr);
  assert.equal(await box.git("copy", "branch", "-r"), "origin/main");
});

Deno.test("git clone: submodules by relative address", async () => {
  await using box = await Sandbox.open();
  const part = await box.published("part");
  const publication = await box.published("hello");
  const allow = ["-c", "protocol.torrent.allow=always"];
  await box.git("hello-work", "remote", "add", "origin", publication.address);
  await box.git("hello-work", ...allow, "submodule", "--quiet", "add", "../part", "part");
  await box.git("hello-work", "commit", "-q", "-m", "Add part");
  await box.publish(publication);
  const { code, stderr } = await box.run(
    ".",
    ...[...allow, "clone", "-q", "--recurse-submodules", publication.address, "copy"],
  );
  assert.equal(code, 0, stderr);
  assert.equal(await box.git("copy/part", "remote", "get-url", "origin"), part.address);
  assert.ok((await Deno.stat(box.path("copy/part/one.txt"))).isFile);
});

Deno.test("git clone: with progress, and an address nobody knows", async () => {
  await using box = await Sandbox.open();
  const publication = await box.published("hello");
  const shown = await box.run(".", "clone", "--progress", publication.address, "copy");
  assert.match(shown.stderr, /\rReceiving packs: 100% \(1\/1\), \d+ bytes.*, done\.\n/);
  const unknown = await box.run(".", "clone", publication.address.replace("hello", "none"), "x");
  assert.equal(unknown.code, 128);
  assert.match(
    unknown.stderr,
    /^Cloning into 'x'...\ngtr: can't find torrent:.*: nobody knows it\nhint: check the address\n$/,
  );
});

Deno.test("git ls-remote: inside and outside of repositories, fetching nothing", async () => {
  await using box = await Sandbox.open();
  const publication = await box.published("hello");
  const oid = (await publication.state()).refs["refs/heads/main"];
  const expected = `${oid}\tHEAD\n${oid}\trefs/heads/main`;
  assert.equal(await box.git(".", "ls-remote", publication.address), expected);
  await box.git(".", "clone", "-q", publication.address, "copy");
  assert.equal(await box.git("copy", "ls-remote"), expected);
  assert.equal(
    await box.git("copy", "ls-remote", "--symref", "origin", "HEAD"),
    `ref: refs/heads/main\tHEAD\n${oid}\tHEAD`,
  );
  await box.git(".", "clone", "-q", "--depth", "1", publication.address, "shallow");
  assert.equal(await box.git("shallow", "ls-remote"), expected);
});
