/** Real `git fetch` and `git pull` through the helper. */
import assert from "node:assert/strict";
import type { Publication } from "./publication.ts";
import { Sandbox } from "./sandbox.ts";

async function packs(box: Sandbox, folder: string): Promise<number> {
  const names = await Array.fromAsync(Deno.readDir(box.path(folder, ".git/objects/pack")));
  assert.ok(!names.some(({ name }) => name.endsWith(".keep")));
  return names.filter(({ name }) => name.endsWith(".pack")).length;
}

async function cloned(box: Sandbox): Promise<Publication> {
  const publication = await box.published("hello");
  await box.git(".", "clone", "-q", publication.address, "copy");
  return publication;
}

Deno.test("git fetch: only the packs that are new, also after the clone was repacked", async () => {
  await using box = await Sandbox.open();
  const publication = await cloned(box);
  assert.equal(await packs(box, "copy"), 1);
  for (const file of ["two.txt", "three.txt"]) {
    const tip = await box.commit("hello-work", file);
    await box.publish(publication);
    await box.git("copy", "fetch", "-q");
    assert.equal(await box.git("copy", "rev-parse", "origin/main"), tip);
  }
  assert.equal(await packs(box, "copy"), 3);
  await box.git("copy", "gc", "-q");
  const tip = await box.commit("hello-work", "four.txt");
  await box.publish(publication);
  await box.git("copy", "fetch", "-q");
  assert.equal(await packs(box, "copy"), 2);
  assert.equal(await box.git("copy", "rev-parse", "origin/main"), tip);
  await box.git("copy", "fsck", "--strict");
});

Deno.test("git fetch: objects without what they reach don't count as held", async () => {
  await using box = await Sandbox.open();
  const publication = await cloned(box);
  await box.commit("hello-work", "two.txt");
  await box.publish(publication);
  const tip = await box.commit("hello-work", "three.txt");
  await box.publish(publication);
  // The tips are there, their trees are not: as a fetch that was cut off leaves it.
  for (const name of ["HEAD", "HEAD~1"]) {
    const commit = await box.git("hello-work", "cat-file", "commit", name);
    await Deno.writeTextFile(box.path("commit"), commit + "\n");
    await box.git("copy", "hash-object", "-w", "-t", "commit", box.path("commit"));
  }
  assert.equal(await box.git("copy", "cat-file", "-t", tip), "commit");
  await box.git("copy", "fetch", "-q");
  await box.git("copy", "fsck");
});

Deno.test("git pull: fast-forward and --rebase; nothing to fetch; git remote update", async () => {
  await using box = await Sandbox.open();
  const publication = await cloned(box);
  assert.match(await box.git("copy", "pull"), /^Already up to date/);
  const tip = await box.commit("hello-work", "two.txt");
  await box.publish(publication);
  await box.git("copy", "pull", "-q");
  assert.equal(await box.git("copy", "rev-parse", "HEAD"), tip);

  await box.commit("copy", "mine.txt");
  const theirs = await box.commit("hello-work", "three.txt");
  await box.publish(publication);
  await box.git("copy", "pull", "-q", "--rebase");
  assert.equal(await box.git("copy", "rev-parse", "HEAD~1"), theirs);
  await box.commit("hello-work", "four.txt");
  await box.publish(publication);
  const { code, stderr } = await box.run("copy", "remote", "update");
  assert.equal(code, 0, stderr);
});

Deno.test("git fetch: forced, added, deleted branches and tags", async () => {
  await using box = await Sandbox.open();
  const publication = await cloned(box);
  await box.git("hello-work", "branch", "topic");
  await box.git("hello-work", "commit", "-q", "--amend", "-m", "Say it better");
  await box.git("hello-work", "tag", "-a", "-m", "First", "v1");
  await box.publish(publication);
  await box.git("copy", "fetch", "-q");
  assert.equal(await box.git("copy", "tag"), "v1");
  assert.equal(
    await box.git("copy", "rev-parse", "origin/main", "origin/topic"),
    await box.git("hello-work", "rev-parse", "main", "topic"),
  );
  await box.git("hello-work", "branch", "-D", "topic");
  await box.git("hello-work", "tag", "v2", "v1^{tree}");
  await box.publish(publication);
  await box.git("copy", "fetch", "-q", "--prune", "--tags");
  assert.equal(await box.git("copy", "branch", "-r"), "origin/HEAD -> origin/main\n  origin/main");
  assert.equal(await box.git("copy", "tag"), "v1\nv2");
});

Deno.test("git fetch: follows tags of commits that are there, and only those", async () => {
  await using box = await Sandbox.open();
  const publication = await cloned(box);
  await box.git("hello-work", "tag", "-a", "-m", "First", "v1");
  await box.git("hello-work", "tag", "light");
  await box.publish(publication);
  await box.git("copy", "fetch", "-q", "--no-tags");
  assert.equal(await box.git("copy", "tag"), "");
  await box.git("copy", "fetch", "-q");
  assert.equal(await box.git("copy", "tag"), "light\nv1");
  const { stdout } = await box.run("copy", "ls-remote", "--tags", "origin");
  assert.match(stdout, /\trefs\/tags\/light\n\w+\trefs\/tags\/v1\n\w+\trefs\/tags\/v1\^\{\}\n$/);

  await box.git("hello-work", "checkout", "-q", "-b", "topic");
  await box.commit("hello-work", "two.txt");
  await box.git("hello-work", "tag", "-a", "-m", "Second", "v2");
  await box.publish(publication);
  await box.git("copy", "fetch", "-q", "origin", "main");
  assert.equal(await box.git("copy", "tag"), "light\nv1");
});

Deno.test("git fetch: in a linked worktree, with a relative GIT_DIR, with alternates", async () => {
  await using box = await Sandbox.open();
  const publication = await cloned(box);
  await box.git("copy", "worktree", "add", "-q", box.path("tree"));
  const second = await box.commit("hello-work", "two.txt");
  await box.publish(publication);
  await box.git("tree", "fetch", "-q");
  assert.equal(await box.git("copy", "rev-parse", "origin/main"), second);
  assert.equal(await packs(box, "copy"), 2);

  const third = await box.commit("hello-work", "three.txt");
  await box.publish(publication);
  await box.git(".", "--git-dir=copy/.git", "fetch", "-q");
  assert.equal(await box.git("copy", "rev-parse", "origin/main"), third);

  await box.git(".", "clone", "-q", "-s", "copy", "borrower");
  await box.git("borrower", "remote", "set-url", "origin", publication.address);
  await box.commit("hello-work", "four.txt");
  await box.publish(publication);
  await box.git("borrower", "fetch", "-q");
  assert.equal(await packs(box, "borrower"), 1);
  await box.git("borrower", "fsck");
});

Deno.test("git fetch --refetch: everything again", async () => {
  await using box = await Sandbox.open();
  await cloned(box);
  await Deno.remove(box.path("copy/.git/objects/pack"), { recursive: true });
  await box.run("copy", "fetch", "-q", "--refetch");
  await box.git("copy", "fsck");
});
