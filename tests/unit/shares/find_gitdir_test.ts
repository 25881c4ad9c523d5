import assert from "node:assert/strict";
import { join } from "node:path";
import fc from "fast-check";
import { defaultName, findRepository, requireRepository } from "../../../lib/shares/find_gitdir.ts";
import { GitError, RequestError } from "../../../lib/common/errors.ts";
import { userEnvironment } from "../../../lib/git_interface/user_environment.ts";
import { repositoryNameFault } from "../../../lib/common/repository_name.ts";
import { git, temporaryFolder } from "./support.ts";

const { signal } = new AbortController();

Deno.test("findRepository: from subfolders, worktrees, submodules, bare repositories", async () => {
  await using folder = await temporaryFolder();
  const main = join(folder.path, "my project\n"); // git's answers end with a newline of their own
  await Deno.mkdir(join(main, "sub"), { recursive: true });
  await git(main, "init", "-q", "-b", "main");
  await git(main, "commit", "-q", "--allow-empty", "-m", "first");
  const gitDir = join(main, ".git");
  const expected = { gitDir, commonDir: gitDir, worktree: main };
  assert.deepEqual(await findRepository(main, signal), expected);
  assert.deepEqual(await findRepository(join(main, "sub"), signal), expected);
  assert.deepEqual(await findRepository(join(gitDir, "refs"), signal), {
    gitDir,
    commonDir: gitDir,
  });
  const alias = join(folder.path, "alias");
  await Deno.symlink(main, alias);
  assert.deepEqual(await findRepository(alias, signal), expected);
  assert.deepEqual(await findRepository(folder.path, signal, { GIT_DIR: gitDir }), {
    gitDir,
    commonDir: gitDir,
    worktree: folder.path,
  });

  const linked = join(folder.path, "linked");
  await git(main, "worktree", "add", "-q", linked);
  const there = await findRepository(linked, signal);
  assert.deepEqual(there, {
    gitDir: join(gitDir, "worktrees", "linked"),
    commonDir: gitDir,
    worktree: linked,
  });
  assert.equal(defaultName(there!), "my-project");

  const bare = join(folder.path, "hello.git");
  await git(folder.path, "clone", "-q", "--bare", main, bare);
  const found = await findRepository(bare, signal);
  assert.deepEqual(found, { gitDir: bare, commonDir: bare });
  assert.equal(defaultName(found!), "hello");

  const holder = join(folder.path, "holder"); // git submodule can't cope with the newline
  await git(folder.path, "init", "-q", holder);
  await git(holder, "-c", "protocol.file.allow=always", "submodule", "add", "-q", bare, "lib");
  const submodule = await findRepository(join(holder, "lib"), signal);
  assert.equal(submodule!.commonDir, join(holder, ".git", "modules", "lib"));
  assert.equal(defaultName(submodule!), "lib");
});

Deno.test("findRepository: nothing there is not the same as something broken", async () => {
  await using folder = await temporaryFolder();
  assert.equal(await findRepository(folder.path, signal), undefined);
  await assert.rejects(
    requireRepository(folder.path, signal),
    (error: RequestError) => error.code === "no-repository",
  );
  await Deno.writeTextFile(join(folder.path, ".git"), "gitdir: /nowhere\n");
  await assert.rejects(
    findRepository(folder.path, signal),
    (error: GitError) => error.code === "bad-repository" && error.message.includes("/nowhere"),
  );
  await assert.rejects(
    findRepository(folder.path, signal, { GIT_DIR: "/nowhere" }),
    (error: GitError) => error.code === "bad-repository",
  );
});

Deno.test("defaultName: the folder's, as far as an address can hold it", () => {
  const name = (worktree: string) =>
    defaultName({ gitDir: `${worktree}/.git`, commonDir: `${worktree}/.git`, worktree });
  assert.equal(name("/a/hello"), "hello");
  assert.equal(name("/a/My Project (2)"), "My-Project-2");
  assert.equal(name("/a/.dotfiles"), "dotfiles");
  assert.equal(name("/a/x.git"), "x");
  assert.equal(name("/a/x.lock.lock"), "x");
  assert.equal(name("/a/日本"), "");
  assert.equal(name("/a/Ünïcode café"), "Unicode-cafe");
  assert.equal(name("/"), "");
  assert.equal(defaultName({ gitDir: "/a/b.git", commonDir: "/a/b.git" }), "b");
});

Deno.test("defaultName: a bare repository beside its worktrees is named after their folder", () => {
  const commonDir = "/a/project/.bare";
  assert.equal(defaultName({ gitDir: commonDir, commonDir }), "project");
  const worktree = "/a/project/topic";
  assert.equal(
    defaultName({ gitDir: `${commonDir}/worktrees/topic`, commonDir, worktree }),
    "project",
  );
  assert.equal(defaultName({ gitDir: "/a/.dotfiles", commonDir: "/a/.dotfiles" }), "dotfiles");
});

Deno.test("findRepository: looks no further up than git does", async () => {
  await using folder = await temporaryFolder();
  const notes = join(folder.path, "notes");
  await Deno.mkdir(notes);
  await git(folder.path, "init", "-q");
  assert.ok(await findRepository(notes, signal));
  const env = userEnvironment((name) =>
    name === "GIT_CEILING_DIRECTORIES" ? folder.path : undefined
  );
  assert.equal(await findRepository(notes, signal, env), undefined);
});

Deno.test("defaultName: is empty or a right name, whatever the folder", () => {
  const part = fc.oneof(fc.string(), fc.constantFrom(".git", ".lock", "-", ".", "é"));
  fc.assert(fc.property(fc.array(part, { maxLength: 40 }), (parts) => {
    const worktree = `/a/${parts.join("").replaceAll("/", "")}`;
    const name = defaultName({ gitDir: "/g", commonDir: "/g", worktree });
    assert.ok(name === "" || repositoryNameFault(name) === undefined, name);
  }));
});
