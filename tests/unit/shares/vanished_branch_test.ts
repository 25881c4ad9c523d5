import assert from "node:assert/strict";
import { join } from "node:path";
import { whyVanished } from "../../../lib/shares/vanished_branch.ts";
import { listRefs } from "../../../lib/git_interface/refs.ts";
import { git, gitDirOf, initRepository, tempDir } from "../git_interface/fixture.ts";

const MAIN = "refs/heads/main";
const signal = () => AbortSignal.timeout(100_000);

/** A repository with a commit on main, which is checked out, and on a branch beside it. */
async function repository(root: string, config: readonly string[] = []) {
  const path = await initRepository(join(root, crypto.randomUUID()));
  for (const line of config) await git(path, ["config", ...line.split(" ")]);
  await git(path, ["commit", "-q", "--allow-empty", "-m", "one"]);
  await git(path, ["branch", "beside"]);
  await git(path, ["commit", "-q", "--allow-empty", "-m", "two"]);
  const last = await git(path, ["rev-parse", MAIN]);
  const why = async () => {
    const all = await listRefs(gitDirOf(path), ["refs/heads"], signal());
    assert.ok(!all.has(MAIN), "git lists it");
    return await whyVanished(gitDirOf(path), MAIN, all, last, signal());
  };
  return { path, why };
}

Deno.test("a branch that was renamed is found by its reflog, also after more commits", async () => {
  await using temp = await tempDir();
  const { path, why } = await repository(temp.path);
  await git(path, ["branch", "-m", "main", "trunk"]);
  await git(path, ["commit", "-q", "--allow-empty", "-m", "three"]);
  assert.deepEqual(await why(), { why: "renamed", to: "refs/heads/trunk" });
  await git(path, ["branch", "-m", "trunk", "stem"]);
  await git(path, ["checkout", "-q", "beside"]);
  assert.deepEqual(await why(), { why: "renamed", to: "refs/heads/stem" });
});

Deno.test("without reflogs a rename is known by HEAD that moved with it", async () => {
  await using temp = await tempDir();
  const { path, why } = await repository(temp.path, ["core.logAllRefUpdates false"]);
  await git(path, ["branch", "-m", "main", "trunk"]);
  assert.deepEqual(await why(), { why: "renamed", to: "refs/heads/trunk" });
});

Deno.test("a branch that was deleted is not taken for another", async () => {
  await using temp = await tempDir();
  const { path, why } = await repository(temp.path);
  await git(path, ["checkout", "-q", "beside"]);
  await git(path, ["branch", "-D", "-q", "main"]);
  assert.deepEqual(await why(), { why: "deleted" });
});

Deno.test("what git can't read is no deletion", async () => {
  await using temp = await tempDir();
  const damaged = await repository(temp.path);
  await Deno.writeTextFile(join(gitDirOf(damaged.path), MAIN), "");
  assert.deepEqual(await damaged.why(), { why: "unreadable" });

  const packed = await repository(temp.path);
  await git(packed.path, ["pack-refs", "--all", "--prune"]);
  await Deno.writeTextFile(join(gitDirOf(packed.path), "packed-refs"), "");
  assert.deepEqual(await packed.why(), { why: "unreadable" });
});
