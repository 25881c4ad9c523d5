import assert from "node:assert/strict";
import { join } from "node:path";
import { rootCommit } from "../../../lib/git_interface/root_commit.ts";
import { commit, FORMATS, git, gitDirOf, initRepository, tempDir } from "./fixture.ts";

for (const format of FORMATS) {
  Deno.test(`the root of a history stays while it grows (${format})`, async () => {
    await using dir = await tempDir();
    const path = await initRepository(join(dir.path, "r"), format);
    const root = await commit(path, "a");
    const first = await commit(path, "b");
    const gitDir = gitDirOf(path);
    assert.equal(await rootCommit(gitDir, first, undefined), root);
    // Another history is merged in.
    const tree = await git(path, ["rev-parse", "HEAD^{tree}"]);
    const old = await git(path, ["commit-tree", "-m", "old", tree]);
    const merged = await git(path, ["commit-tree", "-m", "m", "-p", first, "-p", old, tree]);
    assert.equal(await rootCommit(gitDir, merged, { tip: first, root }), root);
    assert.equal(await rootCommit(gitDir, merged, { tip: merged, root }), root);
    // It alone.
    assert.equal(await rootCommit(gitDir, old, { tip: first, root }), old);
    // What was published before is not here any more.
    const gone = { tip: root.replaceAll(/./g, "1"), root: root.replaceAll(/./g, "2") };
    assert.equal(await rootCommit(gitDir, first, gone), root);
    assert.equal(await rootCommit(gitDir, gone.tip, undefined), undefined);
  });
}
