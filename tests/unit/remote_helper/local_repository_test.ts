import assert from "node:assert/strict";
import { join } from "node:path";
import {
  isBeingCloned,
  isIncomplete,
  type LocalRepository,
  localRepository,
} from "../../../lib/remote_helper/local_repository.ts";
import { tempDir } from "../git_interface/fixture.ts";

const read = (variables: Record<string, string>) => localRepository((name) => variables[name]);

/** A repository as `git clone` has made it when it runs a helper, and files of one's own. */
async function made(root: string, files: Record<string, string> = {}): Promise<LocalRepository> {
  const local = await read({ GIT_DIR: root });
  await Deno.mkdir(join(local.objectDirectory, "pack"), { recursive: true });
  await Deno.mkdir(join(local.objectDirectory, "info"), { recursive: true });
  for (const [name, text] of Object.entries(files)) {
    await Deno.writeTextFile(join(root, name), text);
  }
  return local;
}

const CLONING = '[core]\n\tbare = true\n[remote "origin"]\n\turl = torrent://x/y\n';

Deno.test("the repository is the one that git's variables name", async () => {
  await using temp = await tempDir();
  const gitDir = temp.path;
  const plain = { gitDir, commonDir: gitDir, objectDirectory: `${gitDir}/objects`, alternates: [] };
  assert.deepEqual(await read({ GIT_DIR: gitDir }), plain);
  assert.deepEqual(
    await read({
      GIT_DIR: gitDir,
      GIT_COMMON_DIR: "/common",
      GIT_OBJECT_DIRECTORY: "/quarantine",
      GIT_ALTERNATE_OBJECT_DIRECTORIES: ":/a/../b::c:",
    }),
    {
      gitDir,
      commonDir: "/common",
      objectDirectory: "/quarantine",
      alternates: ["/b", join(Deno.cwd(), "c")],
    },
  );
  assert.equal((await read({ GIT_DIR: "x" })).gitDir, join(Deno.cwd(), "x"));
  for (const none of [{}, { GIT_DIR: "" }] as Record<string, string>[]) {
    await assert.rejects(read(none), { code: "no-repository", hint: /git clone/ });
  }
});

Deno.test("a linked worktree has its objects in the common folder", async () => {
  await using temp = await tempDir();
  const gitDir = join(temp.path, "worktrees", "w");
  await Deno.mkdir(gitDir, { recursive: true });
  await Deno.writeTextFile(join(gitDir, "commondir"), "../..\n");
  const local = await read({ GIT_DIR: gitDir });
  assert.deepEqual([local.gitDir, local.commonDir], [gitDir, temp.path]);
  assert.equal(local.objectDirectory, join(temp.path, "objects"));
  await Deno.remove(join(gitDir, "commondir"));
  await Deno.mkdir(join(gitDir, "commondir"));
  await assert.rejects(read({ GIT_DIR: gitDir }), /directory/); // what can't be read is no absence
});

Deno.test("shallow and partial clones are incomplete", async () => {
  await using temp = await tempDir();
  const local = await made(temp.path, { "objects/pack/pack-1.pack": "" });
  assert.equal(await isIncomplete(local), false);
  await made(temp.path, { shallow: "" }); // git leaves it empty once all is there
  assert.equal(await isIncomplete(local), false);
  await made(temp.path, { shallow: `${"1".repeat(40)}\n` });
  assert.equal(await isIncomplete(local), true);
  await Deno.remove(join(temp.path, "shallow"));
  await made(temp.path, { "objects/pack/pack-1.promisor": "" });
  assert.equal(await isIncomplete(local), true);
  await Deno.remove(local.objectDirectory, { recursive: true });
  assert.equal(await isIncomplete(local), false);
  await Deno.mkdir(local.objectDirectory);
  await Deno.writeTextFile(join(local.objectDirectory, "pack"), "no folder");
  await assert.rejects(isIncomplete(local), /directory/);
});

Deno.test("a clone is being made where a remote has a url and nothing to fetch, and no object is here", async () => {
  for (
    const [files, expected] of [
      [{ config: CLONING }, true],
      [{ config: CLONING.replace("remote", "REMOTE").replace("url", "URL") }, true],
      [{ config: `${CLONING}\tfetch = +refs/heads/*:refs/remotes/origin/*\n` }, false],
      [{ config: `${CLONING}\tFETCH=x\n` }, false],
      [{ config: `[fetch]\n\tfetch = x\n${CLONING}[submodule "x"]\n\tfetch = y\n` }, true],
      [{ config: `[submodule "remote"]\n\turl = torrent://x/y\n` }, false],
      [{ config: "[core]\n\tbare = true\n" }, false],
      [{}, false],
      [{ config: CLONING, "objects/info/alternates": "/elsewhere\n" }, false],
      [{ config: CLONING, "objects/info/alternates": "" }, true],
      [{ config: CLONING, "objects/pack/pack-1.pack": "" }, false],
      [{ config: CLONING, "objects/pack/pack-1.idx": "" }, true],
      [{ config: CLONING, "objects/0f": "" }, false],
      [{ config: CLONING, "objects/0ff": "", "objects/fo": "" }, true],
    ] as const
  ) {
    await using temp = await tempDir();
    const local = await made(temp.path, files);
    assert.equal(await isBeingCloned(local), expected, JSON.stringify(files));
    assert.equal(await isBeingCloned({ ...local, alternates: ["/elsewhere"] }), false);
  }
});

Deno.test("a repository without a folder for objects is empty; one that can't be read is an error", async () => {
  await using temp = await tempDir();
  const local = await made(temp.path, { config: CLONING });
  await Deno.remove(local.objectDirectory, { recursive: true });
  assert.equal(await isBeingCloned(local), true);
  await Deno.mkdir(local.objectDirectory);
  await Deno.writeTextFile(join(local.objectDirectory, "pack"), "no folder");
  await assert.rejects(isBeingCloned(local), /directory/);
});
