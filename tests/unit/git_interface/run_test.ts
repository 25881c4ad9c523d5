import assert from "node:assert/strict";
import { StoreError } from "../../../lib/common/errors.ts";
import { gitFailure, runGit, spawnGit } from "../../../lib/git_interface/run.ts";
import { checkGit, checkVersion } from "../../../lib/git_interface/version.ts";
import { commit, gitDirOf, initRepository, tempDir } from "./fixture.ts";

Deno.test("the caller's GIT_ variables don't reach git", async () => {
  await using temp = await tempDir();
  const repository = await initRepository(temp.path);
  Deno.env.set("GIT_DIR", "/nonexistent");
  try {
    const { stdout } = await runGit(["rev-parse", "--git-dir"], { cwd: repository });
    assert.equal(stdout, ".git\n");
  } finally {
    Deno.env.delete("GIT_DIR");
  }
});

Deno.test("a failure is told in git's own words", async () => {
  await using temp = await tempDir();
  await assert.rejects(runGit(["log"], { gitDir: temp.path }), {
    name: "GitError",
    code: "git-failed",
    message: /^git log failed: not a git repository/,
  });
  const end = await runGit(["log"], { gitDir: temp.path, allowFail: true });
  assert.equal(end.code, 128);
});

Deno.test("a missing git and a missing folder are told apart", async () => {
  await using temp = await tempDir();
  await assert.rejects(runGit(["--version"], { env: { PATH: temp.path } }), { code: "no-git" });
  await assert.rejects(runGit(["--version"], { cwd: `${temp.path}/gone` }), {
    code: "no-repository",
  });
});

Deno.test("a full disk is recognised whatever git was doing", () => {
  const end = { code: 128, stderr: "fatal: write error: No space left on device" };
  const failure = gitFailure(["-c", "a=b", "index-pack"], end);
  assert.ok(failure instanceof StoreError);
  assert.equal(failure.code, "disk-full");
  assert.match(failure.message, /^git index-pack failed: /);
});

Deno.test("an abort ends the process and gives its reason", async () => {
  await using temp = await tempDir();
  const gitDir = gitDirOf(await initRepository(temp.path));
  const controller = new AbortController();
  // cat-file waits for its input, which never comes
  const process = await spawnGit(["cat-file", "--batch"], { gitDir, signal: controller.signal });
  controller.abort(new Error("enough"));
  await assert.rejects(process.ended, { message: "enough" });
  await process.stdout.cancel();
  await process.stdin.abort().catch(() => {});
  const late = runGit(["version"], { signal: controller.signal });
  await assert.rejects(late, { message: "enough" });
});

Deno.test("git's progress is reported and kept out of its words", async () => {
  await using temp = await tempDir();
  const repository = await initRepository(temp.path);
  await commit(repository, "a");
  const seen: [number, number, string][] = [];
  const end = await runGit(["fsck", "--progress"], {
    gitDir: gitDirOf(repository),
    progress: (...args) => seen.push(args),
  });
  assert.ok(seen.some(([, total, what]) => total > 0 && what === "Checking object directories"));
  assert.equal(end.stderr, "");
});

Deno.test("the other side's progress, which git pads with spaces, is progress too", async () => {
  await using temp = await tempDir();
  const repository = await initRepository(temp.path);
  await commit(repository, "a");
  const copy = gitDirOf(await initRepository(`${temp.path}/copy`));
  const seen = new Set<string>();
  const fetch = ["-c", "protocol.file.allow=always", "fetch", "--progress", `file://${repository}`];
  const end = await runGit([...fetch, "HEAD"], {
    gitDir: copy,
    progress: (_done, _total, what) => seen.add(what),
  });
  assert.ok(seen.has("Counting objects"), [...seen].join());
  assert.doesNotMatch(end.stderr, /Counting/);
});

Deno.test("what git says on stderr is kept within bounds", async () => {
  await using temp = await tempDir();
  const gitDir = gitDirOf(await initRepository(temp.path));
  const end = await runGit(
    [
      "-c",
      "alias.noise=!yes noise | head -n 5000 >&2; yes | head -c 300000 | tr -d '\\n' >&2",
      "noise",
    ],
    { gitDir, allowFail: true },
  );
  assert.ok(end.stderr.length < 25_000, `${end.stderr.length}`);
});

Deno.test("git of this machine is new enough; old and strange ones are refused", async () => {
  assert.match(await checkGit(), /^\d+\.\d+/);
  assert.equal(checkVersion("git version 2.39.5 (Apple Git-154)\n"), "2.39.5");
  assert.equal(checkVersion("git version 2.34.0.windows.1"), "2.34.0");
  assert.equal(checkVersion("git version 3.0.0"), "3.0.0");
  for (const old of ["git version 2.33.8", "git version 1.9", "busybox"]) {
    assert.throws(() => checkVersion(old), { code: "git-too-old", hint: /git-scm/ });
  }
});
