/** What a repository says of its objects. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { checkConnected, objectTypes } from "../../../lib/git_interface/connectivity.ts";
import { peelTags } from "../../../lib/git_interface/peel_tags.ts";
import { contains, headTarget, isAncestor, isReachable } from "../../../lib/git_interface/refs.ts";
import { rootCommit } from "../../../lib/git_interface/root_commit.ts";
import { commit, FORMATS, git, gitDirOf, initRepository, tempDir } from "./fixture.ts";

for (const format of FORMATS) {
  Deno.test(`objects: types, what tags lead to, and what is reachable (${format})`, async () => {
    await using temp = await tempDir();
    const work = await initRepository(temp.path, format);
    const gitDir = gitDirOf(work);
    const [one, two] = [await commit(work, "a"), await commit(work, "b")];
    await git(work, ["checkout", "-q", "--orphan", "other"]);
    const apart = await commit(work, "c");
    const tree = await git(work, ["rev-parse", `${one}^{tree}`]);
    await git(work, ["tag", "-a", "-m", "w", "v1", one]);
    await git(work, ["tag", "-a", "-m", "w", "v2", "v1"]);
    await git(work, ["tag", "-a", "-m", "w", "vt", tree]);
    const [v1, v2, vt] = await Promise.all(
      ["v1", "v2", "vt"].map((tag) => git(work, ["rev-parse", tag])),
    ) as [string, string, string];
    const none = "1".repeat(one.length);
    assert.deepEqual(
      [...await objectTypes(gitDir, [one, none, tree, v1])],
      [[one, "commit"], [tree, "tree"], [v1, "tag"]],
    );
    assert.equal((await objectTypes("/nowhere", [])).size, 0);
    assert.deepEqual(
      [...await peelTags(gitDir, [one, none, v1, v2, vt, tree])],
      [[v1, one], [v2, one], [vt, tree]],
    );
    assert.equal((await peelTags("/nowhere", [])).size, 0);
    for (
      const [tips, expected] of [
        [[two], true],
        [[apart], false],
        [[apart, v2], true],
        [[one], true],
        [[tree, none], false],
        [[none, apart, vt, two], true],
        [[], false],
      ] as const
    ) assert.equal(await isReachable(gitDir, one, tips), expected, String(tips));
    assert.equal(await isReachable(gitDir, two, [one, apart]), false);
    assert.deepEqual(
      await Promise.all([one, two, apart, none, tree].map((oid) => contains(gitDir, oid))),
      [true, true, true, false, false],
    );
    await git(work, ["update-ref", "-d", "refs/heads/main"]);
    assert.deepEqual(
      await Promise.all([one, two].map((oid) => contains(gitDir, oid))),
      [true, false],
      "a tag leads to the first",
    );
    assert.equal(await isAncestor(gitDir, one, two), true);
    assert.equal(await isAncestor(gitDir, two, one), false);
    await assert.rejects(isAncestor(gitDir, none, one), { code: "git-failed" });
    assert.equal(await headTarget(gitDir), "refs/heads/other");
    await git(work, ["checkout", "-q", one]);
    assert.equal(await headTarget(gitDir), undefined);
    assert.equal(await rootCommit(gitDir, two, undefined), one);
    assert.equal(await rootCommit(gitDir, two, { tip: one, root: apart }), apart);
    assert.equal(await rootCommit(gitDir, two, { tip: apart, root: apart }), one);
    assert.equal(await rootCommit(gitDir, none, { tip: none, root: one }), one);
    assert.equal(await rootCommit(gitDir, none, undefined), undefined);
  });
}

Deno.test("objects: history that lacks something is not connected", async () => {
  await using temp = await tempDir();
  const work = await initRepository(temp.path);
  const gitDir = gitDirOf(work);
  const [one, two] = [await commit(work, "a"), await commit(work, "b")];
  await checkConnected(gitDir, [two]);
  await checkConnected("/nowhere", []);
  const blob = await git(work, ["rev-parse", `${one}:a`]);
  await Deno.remove(join(gitDir, "objects", blob.slice(0, 2), blob.slice(2)));
  const incomplete = { name: "VerificationError", code: "missing-objects" };
  await assert.rejects(checkConnected(gitDir, [two]), incomplete);
  await checkConnected(gitDir, [two], { notTips: [one] }); // known to be there
  await assert.rejects(checkConnected(gitDir, ["1".repeat(40)]), incomplete);
  const gone = AbortSignal.abort(new Error("enough"));
  await assert.rejects(checkConnected(gitDir, [two], { signal: gone }), /enough/);
});
