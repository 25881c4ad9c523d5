/** Real `git push` through the helper. */
import assert from "node:assert/strict";
import type { Publication } from "./publication.ts";
import { Sandbox } from "./sandbox.ts";

async function cloned(box: Sandbox): Promise<Publication> {
  const publication = await box.published("hello");
  await box.git(".", "clone", "-q", publication.address, "copy");
  return publication;
}

const refs = async (publication: Publication) => (await publication.state()).refs;

Deno.test("git push: create, fast-forward, tag, delete", async () => {
  await using box = await Sandbox.open();
  const publication = await cloned(box);
  const tip = await box.commit("copy", "two.txt");
  const { code, stderr } = await box.run("copy", "push", "origin", "main", "main:refs/heads/topic");
  assert.equal(code, 0, stderr);
  assert.match(
    stderr,
    /^To torrent:.*\/hello\n {3}\w+\.\.\w+ {2}main -> main\n \* \[new branch\] +main -> topic\n$/,
  );
  assert.deepEqual(await refs(publication), { "refs/heads/main": tip, "refs/heads/topic": tip });
  assert.equal(await box.git("copy", "rev-parse", "origin/main"), tip);

  await box.git("copy", "tag", "-a", "-m", "First", "v1");
  await box.git("copy", "push", "-q", "origin", "v1");
  assert.equal((await refs(publication))["refs/tags/v1"], await box.git("copy", "rev-parse", "v1"));
  await box.git("copy", "push", "-q", "origin", "--delete", "topic", "v1");
  assert.deepEqual(await refs(publication), { "refs/heads/main": tip });
  assert.match((await box.run("copy", "push")).stderr, /^Everything up-to-date/);
});

Deno.test("git push: push.useForceIfIncludes, push.gpgSign=if-asked", async () => {
  await using box = await Sandbox.open();
  const publication = await cloned(box);
  const before = await box.git("copy", "rev-parse", "HEAD");
  const tip = await box.commit("copy", "two.txt");
  const careful = ["-c", "push.useForceIfIncludes=true", "-c", "push.gpgSign=if-asked"];
  await box.git("copy", ...careful, "push", "-q", "origin", "main");
  assert.deepEqual(await refs(publication), { "refs/heads/main": tip });

  // A tip that was fetched but never looked at is not overwritten.
  await box.git("hello-work", "pull", "-q", publication.address, "main");
  const theirs = await box.commit("hello-work", "theirs.txt");
  await box.publish(publication);
  await box.git("copy", "fetch", "-q");
  await box.git("copy", "reset", "-q", "--hard", before);
  await box.commit("copy", "mine.txt");
  const { code, stderr } = await box.run(
    "copy",
    ...[...careful, "push", "--force-with-lease", "origin", "main"],
  );
  assert.equal(code, 1);
  assert.match(stderr, /! \[rejected\] +main -> main \(remote ref updated since checkout\)/);
  assert.deepEqual(await refs(publication), { "refs/heads/main": theirs });
});

Deno.test("git push: a remote that moved on is not overwritten, and git says what to do", async () => {
  await using box = await Sandbox.open();
  const publication = await cloned(box);
  const theirs = await box.commit("hello-work", "theirs.txt");
  await box.publish(publication);
  const mine = await box.commit("copy", "mine.txt");

  const dry = await box.run("copy", "push", "--dry-run");
  assert.match(dry.stderr, /! \[rejected\] +main -> main \(fetch first\)/);
  const unknown = await box.run("copy", "push");
  assert.equal(unknown.code, 1);
  assert.match(unknown.stderr, /! \[rejected\] +main -> main \(fetch first\)/);
  assert.match(unknown.stderr, /hint: .*remote contains work/);
  await box.git("copy", "fetch", "-q");
  const known = await box.run("copy", "push");
  assert.match(known.stderr, /! \[rejected\] +main -> main \(non-fast-forward\)/);
  assert.equal((await refs(publication))["refs/heads/main"], theirs);

  const forced = await box.run("copy", "push", "--force");
  assert.equal(forced.code, 0, forced.stderr);
  assert.match(forced.stderr, /\+ \w+\.\.\.\w+ main -> main \(forced update\)/);
  assert.equal((await refs(publication))["refs/heads/main"], mine);
});

Deno.test("git push: one that loses a race gets git's hints too", async () => {
  await using box = await Sandbox.open();
  const publication = await cloned(box);
  // The publication moves on between `list` and `push`: git runs this hook in between.
  const theirs = await box.commit("hello-work", "theirs.txt");
  const state = await publication.state();
  await box.publish(publication);
  const moved = await publication.state();
  await publication.change(state);
  const hook = box.path("copy/.git/hooks/pre-push");
  await Deno.writeTextFile(
    hook,
    `#!/bin/sh\ncp '${box.path("moved.json")}' '${publication.gitDir}/state.json'\n`,
    { mode: 0o755 },
  );
  await Deno.writeTextFile(box.path("moved.json"), JSON.stringify(moved));
  await box.commit("copy", "mine.txt");
  const { code, stderr } = await box.run("copy", "push");
  assert.equal(code, 1);
  assert.match(stderr, /! \[rejected\] +main -> main \(fetch first\)/);
  assert.match(stderr, /hint: /);
  assert.equal((await refs(publication))["refs/heads/main"], theirs);
});

Deno.test("git push --force-with-lease: only over what was seen", async () => {
  await using box = await Sandbox.open();
  const publication = await cloned(box);
  await box.git("copy", "commit", "-q", "--amend", "-m", "Say it better");
  const amended = await box.git("copy", "rev-parse", "HEAD");
  await box.git("copy", "push", "-q", "--force-with-lease");
  assert.equal((await refs(publication))["refs/heads/main"], amended);

  const theirs = await box.commit("hello-work", "theirs.txt");
  await box.publish(publication);
  await box.git("copy", "commit", "-q", "--amend", "-m", "Once more");
  const stale = await box.run("copy", "push", "--force-with-lease");
  assert.equal(stale.code, 1);
  assert.match(stale.stderr, /! \[rejected\] +main -> main \(stale info\)/);
  assert.equal((await refs(publication))["refs/heads/main"], theirs);
});

Deno.test("git push --dry-run, --mirror, --atomic, from a linked worktree, by revision", async () => {
  await using box = await Sandbox.open();
  const publication = await cloned(box);
  const first = await box.git("copy", "rev-parse", "HEAD");
  const tip = await box.commit("copy", "two.txt");
  const dry = await box.run("copy", "push", "--dry-run");
  assert.match(dry.stderr, /\w+\.\.\w+ {2}main -> main/);
  assert.deepEqual(await refs(publication), { "refs/heads/main": first });

  await box.git("copy", "worktree", "add", "-q", box.path("tree"));
  await box.git("tree", "push", "-q", "origin", "HEAD~1:refs/heads/old");
  assert.equal((await refs(publication))["refs/heads/old"], first);
  await box.git("copy", "push", "-q", "--atomic", "origin", "main", ":old");
  assert.deepEqual(await refs(publication), { "refs/heads/main": tip });

  await box.git(".", "clone", "-q", "--mirror", publication.address, "mirror");
  await box.git("mirror", "branch", "-m", "main", "trunk");
  await box.git("mirror", "push", "-q", "--mirror");
  assert.deepEqual(await refs(publication), { "refs/heads/trunk": tip });
});

Deno.test("git push: to someone else's address it is refused before anything is sent", async () => {
  await using box = await Sandbox.open();
  const publication = await cloned(box);
  await publication.change({ own: false });
  await box.commit("copy", "two.txt");
  const { code, stderr } = await box.run("copy", "push");
  assert.notEqual(code, 0);
  assert.match(stderr, /^gtr: can't push to torrent:.*: only its publisher can change it\nhint: /);
});
