import assert from "node:assert/strict";
import { join } from "node:path";
import { RefWatcher } from "../../../lib/daemon/watcher.ts";
import { abortable } from "../../../lib/common/wait.ts";
import { writeRepositorySettings } from "../../../lib/shares/repository_settings.ts";
import { commit, git, gitDirOf, initRepository, tempDir } from "../git_interface/fixture.ts";
import { soon } from "../engine/fixture.ts";

const SETTINGS = { version: 1, name: "hello", branches: [], tags: "reachable" } as const;

/** A watched repository with one commit. */
async function watched() {
  const temp = await tempDir();
  const path = await Deno.realPath(await initRepository(join(temp.path, "work")));
  await commit(path, "first");
  const gitDir = gitDirOf(path);
  await writeRepositorySettings(gitDir, { ...SETTINGS, branches: [] });
  const logged: string[] = [];
  let calls = 0;
  let next = Promise.withResolvers<void>();
  const watcher = new RefWatcher((changed) => {
    assert.equal(changed, gitDir);
    calls++;
    next.resolve();
    next = Promise.withResolvers();
  }, (message) => void logged.push(message));
  watcher.add(gitDir);
  return {
    path,
    gitDir,
    watcher,
    logged,
    temp,
    calls: () => calls,
    /** Runs `work` and waits until the watcher has told of a change. */
    async notices(what: string, work: () => Promise<unknown>): Promise<void> {
      using wait = soon();
      const noticed = next.promise;
      await work();
      await abortable(noticed, wait.signal).catch(() => assert.fail(`not noticed: ${what}`));
    },
    [Symbol.asyncDispose]: async () => {
      watcher[Symbol.dispose]();
      await temp[Symbol.asyncDispose]();
    },
  };
}

Deno.test("every way in which refs change is noticed", async () => {
  await using w = await watched();
  const run = (...args: string[]) => git(w.path, args);
  await w.notices("a commit", () => commit(w.path, "second"));
  await w.notices("a branch in a new folder", () => run("branch", "feature/one"));
  await w.notices("a tag", () => run("tag", "v1"));
  await w.notices("packed refs", () => run("pack-refs", "--all"));
  await w.notices("a ref deleted from packed-refs", () => run("tag", "-d", "v1"));
  await w.notices("an amended commit", () => run("commit", "-q", "--amend", "-m", "other"));
  const other = join(w.temp.path, "other");
  await run("worktree", "add", "-q", other, "feature/one");
  await w.notices("a commit in another worktree", () => commit(other, "there"));
  await w.notices(
    "what is shared",
    () => writeRepositorySettings(w.gitDir, { ...SETTINGS, branches: ["refs/heads/main"] }),
  );
  assert.deepEqual(w.logged, []);
});

Deno.test("what is not about refs wakes nobody, and a burst of changes is one", async () => {
  await using w = await watched();
  await w.notices("the settings that were just written, or this", () => commit(w.path, "a"));
  const before = w.calls();
  await Deno.writeTextFile(join(w.path, "file"), "x");
  await git(w.path, ["add", "file"]); // objects and index
  await git(w.path, ["config", "user.name", "B"]);
  await Deno.writeTextFile(join(w.gitDir, "refs", "heads", "x.lock"), "");
  await Deno.remove(join(w.gitDir, "refs", "heads", "x.lock"));
  await Deno.writeTextFile(join(w.gitDir, "packed-refs.lock"), "");
  await Deno.remove(join(w.gitDir, "packed-refs.lock"));
  const head = await git(w.path, ["rev-parse", "HEAD"]);
  const lines = Array.from({ length: 50 }, (_, i) => `create refs/heads/b${i} ${head}\n`);
  await w.notices("fifty branches", () => git(w.path, ["update-ref", "--stdin"], lines.join("")));
  assert.equal(w.calls(), before + 1);
});

Deno.test("a folder of refs that is replaced is watched anew", async () => {
  await using w = await watched();
  const refs = join(w.gitDir, "refs");
  await w.notices("a replaced folder", async () => {
    await Deno.rename(refs, `${refs}2`);
    await git(w.path, ["init", "-q"]);
    await Deno.remove(refs, { recursive: true });
    await Deno.rename(`${refs}2`, refs);
  });
  await w.notices("a commit", () => commit(w.path, "after"));
  await w.notices(
    "and its settings' folder",
    () => Deno.remove(join(w.gitDir, "gtr"), { recursive: true }),
  );
  await w.notices(
    "that is back",
    () => writeRepositorySettings(w.gitDir, { ...SETTINGS, branches: [] }),
  );
  await w.notices(
    "and changes",
    () => writeRepositorySettings(w.gitDir, { ...SETTINGS, branches: ["refs/heads/x"] }),
  );
  assert.deepEqual(w.logged, []);
});

Deno.test("a repository that is made anew in the same place is watched once it is added again", async () => {
  await using w = await watched();
  await Deno.remove(w.gitDir, { recursive: true });
  await git(w.path, ["init", "-q", "-b", "main"]);
  w.watcher.set([w.gitDir]);
  for (const file of ["a", "b", "c", "d"]) {
    await w.notices(`commit ${file}`, () => commit(w.path, file));
  }
});

Deno.test("what is taken off the list is watched no more, and what doesn't exist harms nobody", async () => {
  await using w = await watched();
  await w.notices("a commit", () => commit(w.path, "a"));
  w.watcher.set([join(w.temp.path, "none")]);
  const before = w.calls();
  await commit(w.path, "b");
  w.watcher.set([w.gitDir]);
  await w.notices("a commit", () => commit(w.path, "c"));
  assert.equal(w.calls(), before + 1);
  assert.deepEqual(w.logged, []);
});
