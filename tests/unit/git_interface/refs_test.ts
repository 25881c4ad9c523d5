import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { join } from "node:path";
import {
  headTarget,
  isAncestor,
  isReachable,
  listRefs,
  reachableTags,
  updateRefs,
} from "../../../lib/git_interface/refs.ts";
import { commit, FORMATS, git, gitDirOf, initRepository, objectsOf, tempDir } from "./fixture.ts";

for (const format of FORMATS) {
  Deno.test(`refs of a ${format} repository are read, loose or packed`, async () => {
    await using temp = await tempDir();
    const path = await initRepository(temp.path, format);
    const gitDir = gitDirOf(path);
    assert.equal(await headTarget(gitDir), "refs/heads/main");
    assert.equal((await listRefs(gitDir, ["refs/heads"])).size, 0);

    const first = await commit(path, "a");
    await git(path, ["branch", "side/one"]);
    await git(path, ["pack-refs", "--all"]);
    const second = await commit(path, "b");
    await git(path, ["tag", "-a", "v1", "-m", "v1"]);
    const tag = await git(path, ["rev-parse", "refs/tags/v1"]);
    assert.deepEqual(
      await listRefs(gitDir, ["refs/heads", "refs/tags"]),
      new Map([
        ["refs/heads/main", second],
        ["refs/heads/side/one", first],
        ["refs/tags/v1", tag],
      ]),
    );
    assert.deepEqual(
      await listRefs(gitDir, ["refs/heads/side"]),
      new Map([["refs/heads/side/one", first]]),
    );
    assert.equal(await isAncestor(gitDir, first, second), true);
    assert.equal(await isAncestor(gitDir, second, first), false);
    await assert.rejects(isAncestor(gitDir, first, "f".repeat(first.length)), {
      code: "git-failed",
    });
    const file = await git(path, ["rev-parse", "HEAD:a"]);
    const absent = "f".repeat(first.length);
    for (
      const [oid, tips, wanted] of [
        [first, [second], true],
        [second, [first], false],
        [second, [first, tag], true],
        [second, [file, absent], false],
        [second, [file, ...Array(2500).fill(first), second], true],
        [second, [], false],
      ] as const
    ) assert.equal(await isReachable(gitDir, oid, tips), wanted);
    await assert.rejects(isReachable(gitDir, absent, [second]), { code: "git-failed" });
    assert.deepEqual(await reachableTags(gitDir, [second]), new Map([["refs/tags/v1", tag]]));
    assert.equal((await reachableTags(gitDir, [first])).size, 0);
    assert.equal((await reachableTags(gitDir, [])).size, 0);

    await git(path, ["checkout", "-q", "--detach"]);
    assert.equal(await headTarget(gitDir), undefined);
  });

  Deno.test(`refs of a ${format} store repository are made equal to what is wanted`, async () => {
    await using temp = await tempDir();
    const work = await initRepository(join(temp.path, "work"), format);
    const first = await commit(work, "a");
    const second = await commit(work, "b");
    const store = join(temp.path, "store.git");
    await git(temp.path, ["clone", "-q", "--bare", work, store]);
    await git(store, ["update-ref", "refs/heads/loose/old", first]); // must not win, nor stay

    const want = {
      "refs/tags/v1": first,
      "refs/heads/b": second,
      "refs/heads/a-b": first,
      "refs/heads/a/b": second,
      "refs/heads/\u00e9\u{1f680}": first,
      "refs/heads/\uffee": first, // sorts before the one above by UTF-16 units, after it by bytes
    };
    await updateRefs(store, want, "refs/heads/b");
    assert.deepEqual(await listRefs(store, ["refs/"]), new Map(Object.entries(want).sort(byBytes)));
    for (const [name, oid] of Object.entries(want)) {
      assert.equal(await git(store, ["rev-parse", "--verify", name]), oid); // git's bisection
    }
    assert.equal(await headTarget(store), "refs/heads/b");
    assert.equal(await git(store, ["fsck"]), "");

    await updateRefs(store, {}, "refs/heads/none");
    assert.equal((await listRefs(store, ["refs/"])).size, 0);
    assert.equal(await headTarget(store), "refs/heads/none");
  });
}

Deno.test("objects of an alternate count for ancestry", async () => {
  await using temp = await tempDir();
  const work = await initRepository(join(temp.path, "work"));
  const first = await commit(work, "a");
  const second = await commit(work, "b");
  const other = gitDirOf(await initRepository(join(temp.path, "other")));
  const alternates = [objectsOf(work)];
  assert.equal(await isAncestor(other, first, second, { alternates }), true);
});

Deno.test("an alternate's path may contain what separates paths", async () => {
  await using temp = await tempDir();
  const work = await initRepository(join(temp.path, 'we:ird "name'));
  const first = await commit(work, "a");
  const other = gitDirOf(await initRepository(join(temp.path, "other")));
  assert.equal(await isAncestor(other, first, first, { alternates: [objectsOf(work)] }), true);
});

function byBytes([a]: [string, string], [b]: [string, string]): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
