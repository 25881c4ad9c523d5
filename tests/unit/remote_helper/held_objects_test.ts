/** What a repository has, and what it has whole. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { closedObjects, lookUpObjects } from "../../../lib/remote_helper/held_objects.ts";
import {
  commit,
  FORMATS,
  git,
  gitDirOf,
  initRepository,
  tempDir,
} from "../git_interface/fixture.ts";

const signal = AbortSignal.timeout(100_000);

for (const format of FORMATS) {
  Deno.test(`held objects: any name that git knows is looked up, in its place (${format})`, async () => {
    await using temp = await tempDir();
    const work = await initRepository(temp.path, format);
    const oid = await commit(work, "a");
    const tree = await git(work, ["rev-parse", "HEAD^{tree}"]);
    const blob = await git(work, ["rev-parse", "HEAD:a"]);
    const place = { gitDir: gitDirOf(work) };
    const names = ["main", "1".repeat(oid.length), "HEAD:a", "no such", "HEAD^{tree}"];
    assert.deepEqual(await lookUpObjects(place, names, signal), [
      { oid, type: "commit" },
      undefined,
      { oid: blob, type: "blob" },
      undefined,
      { oid: tree, type: "tree" },
    ]);
    assert.deepEqual(await lookUpObjects({ gitDir: "/nowhere" }, [], signal), []);
  });
}

Deno.test("held objects: only what refs reach is held with all behind it", async () => {
  await using temp = await tempDir();
  const work = await initRepository(join(temp.path, "work"));
  const place = { gitDir: gitDirOf(work) };
  const [first, second] = [await commit(work, "a"), await commit(work, "b")];
  await git(work, ["tag", "-a", "-m", "words", "v1", first]);
  const tag = await git(work, ["rev-parse", "v1"]);
  const blob = await git(work, ["rev-parse", "HEAD:a"]);
  const all = [first, second, tag, blob, "1".repeat(40)];
  const closed = async (where = place) => [...await closedObjects(where, all, signal)];
  assert.deepEqual(await closed(), [first, second, tag]);
  await git(work, ["update-ref", "refs/heads/main", first]);
  assert.deepEqual(await closed(), [first, tag]); // the second may be what a broken fetch left
  assert.equal((await closedObjects({ gitDir: "/nowhere" }, [], signal)).size, 0);

  // What an alternate's refs reach counts as well.
  const borrower = await initRepository(join(temp.path, "borrower"));
  const there = { gitDir: gitDirOf(borrower) };
  assert.deepEqual(await closed(there), []);
  const alternates = join(there.gitDir, "objects", "info", "alternates");
  await Deno.writeTextFile(alternates, join(place.gitDir, "objects") + "\n");
  assert.deepEqual(await closed(there), [first, tag]);
});

Deno.test("held objects: where a parent is missing, nothing counts as held", async () => {
  await using temp = await tempDir();
  const work = await initRepository(temp.path);
  const place = { gitDir: gitDirOf(work) };
  const [first, second] = [await commit(work, "a"), await commit(work, "b")];
  const third = await commit(work, "c");
  await git(work, ["update-ref", "refs/heads/main", first]);
  await Deno.remove(join(place.gitDir, "objects", second.slice(0, 2), second.slice(2)));
  assert.deepEqual(await closedObjects(place, [first, third], signal), new Set());
});

Deno.test("held objects: in a quarantine and with alternates that git was told of", async () => {
  await using temp = await tempDir();
  const [here, there] = [
    await initRepository(join(temp.path, "here")),
    await initRepository(join(temp.path, "there")),
  ];
  const oid = await commit(there, "a");
  const alternates = [join(gitDirOf(there), "objects")];
  const place = { gitDir: gitDirOf(here), objectDirectory: join(gitDirOf(here), "objects") };
  assert.deepEqual(await lookUpObjects(place, [oid], signal), [undefined]);
  assert.deepEqual(await lookUpObjects({ ...place, alternates }, [oid], signal), [
    { oid, type: "commit" },
  ]);
});
