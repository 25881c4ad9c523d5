import assert from "node:assert/strict";
import type { RemoteState } from "../../../lib/daemon/api.ts";
import { checkGit } from "../../../lib/git_interface/version.ts";
import { addDeepenedTags } from "../../../lib/remote_helper/deepened_tags.ts";
import {
  commit,
  git,
  gitDirOf,
  initRepository,
  objectsOf,
  tempDir,
} from "../git_interface/fixture.ts";

const [major = 0, minor = 0] = (await checkGit()).split(".").map(Number);
const looksAnew = major > 2 || minor >= 44;

Deno.test({
  name: "deepened tags: those whose objects are here are made, and none is moved",
  ignore: looksAnew, // then git makes them
  fn: async () => {
    await using temp = await tempDir();
    const work = await initRepository(temp.path);
    const [first, second] = [await commit(work, "a"), await commit(work, "b")];
    await git(work, ["tag", "known", first]);
    const gitDir = gitDirOf(work);
    const local = { gitDir, commonDir: gitDir, objectDirectory: objectsOf(work), alternates: [] };
    const add = (refs: Record<string, string>) =>
      addDeepenedTags({ refs } as RemoteState, local, AbortSignal.timeout(60_000));
    await add({
      "refs/heads/topic": second,
      "refs/tags/known": second,
      "refs/tags/here": first,
      "refs/tags/absent": "1".repeat(40),
    });
    const refs = await git(work, ["for-each-ref", "--format=%(refname) %(objectname)"]);
    assert.deepEqual(refs.split("\n"), [
      `refs/heads/main ${second}`,
      `refs/tags/here ${first}`,
      `refs/tags/known ${first}`,
    ]);
    await add({ "refs/tags/here": first });
    // One that can't be made is the next fetch's matter.
    await add({ "refs/tags/here/below": first });
    assert.equal(await git(work, ["tag"]), "here\nknown");
  },
});
