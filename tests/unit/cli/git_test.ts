/** Words that are no verb go to git: the caller must see what git itself would have shown. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { deadline, sleep } from "../../../lib/common/wait.ts";
import { git, User } from "./support.ts";

const GTR = join(import.meta.dirname!, "..", "..", "..", "cmd", "gtr.ts");

function start(cwd: string, words: string[], env: Record<string, string> = {}): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "-A", GTR, ...words],
    cwd,
    env,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** Runs a command line to its end, with `input` on its stdin. */
async function gtr(
  cwd: string,
  words: string[],
  { input = "", env = {} }: { input?: string; env?: Record<string, string> } = {},
): Promise<{ code: number; signal: string | null; out: string; err: string }> {
  const child = start(cwd, words, env);
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close().catch(() => {}); // it may not want to read
  const { code, signal, stdout, stderr } = await child.output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { code, signal, out: out!, err: err! };
}

Deno.test("git: output, input, arguments and exit code are git's", async () => {
  await using user = await User.make();
  const folder = await user.repository("hello");
  const log = await gtr(folder, ["log", "-1", "--format=%H %s"]);
  assert.equal(log.out.trimEnd(), await git(folder, "log", "-1", "--format=%H %s"));
  assert.deepEqual([log.code, log.err], [0, ""]);
  const hash = await gtr(folder, ["hash-object", "--stdin"], { input: "hello\n" });
  assert.equal(hash.out, "ce013625030ba8dba906f756967f9e9ca394464a\n");
  assert.equal((await gtr(folder, ["rev-parse", "--verify", "--quiet", "no"])).code, 1);
  const unknown = await gtr(folder, ["frobnicate"]);
  assert.equal(unknown.code, 1);
  assert.match(unknown.err, /^git: 'frobnicate' is not a git command/);
  const alias = ["-c", 'alias.x=!f() { echo "$#:$1:$2"; }; f', "x", "a b", ""];
  assert.equal((await gtr(folder, alias)).out, "2:a b:\n");
  const elsewhere = await gtr(user.folder, ["rev-parse", "--git-dir"], {
    env: { GIT_DIR: join(folder, ".git") },
  });
  assert.equal(elsewhere.out.trimEnd(), join(folder, ".git"));
});

Deno.test("git: help of its commands", async () => {
  await using user = await User.make();
  // git asks this "browser" for the page: no manual has to be installed
  const env = { GIT_CONFIG_COUNT: "1", GIT_CONFIG_KEY_0: "help.format", GIT_CONFIG_VALUE_0: "x" };
  const { code, err } = await gtr(user.folder, ["help", "log"], { env });
  assert.equal(code, 128);
  assert.match(err, /unrecognized help format 'x'/);
});

Deno.test({
  name: "git: its death by a signal is ours",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await using user = await User.make();
    for (const signal of ["TERM", "INT", "HUP"]) {
      const ended = await gtr(user.folder, ["-c", `alias.x=!kill -${signal} $PPID`, "x"]);
      assert.equal(ended.signal, `SIG${signal}`);
    }
    const aborted = await gtr(user.folder, ["-c", "alias.x=!kill -ABRT $PPID", "x"]);
    assert.deepEqual([aborted.code, aborted.signal], [134, null], "without a second core dump");
  },
});

Deno.test({
  name: "git: what our caller ignores, git ignores",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await using user = await User.make();
    const { stdout } = await new Deno.Command("sh", {
      args: [
        ...["-c", `trap '' INT HUP; exec "$@"`, "sh", Deno.execPath(), "run", "--quiet", "-A", GTR],
        ...["-c", "alias.x=!kill -INT $$; kill -HUP $PPID; echo there", "x"],
      ],
      cwd: user.folder,
    }).output();
    assert.equal(new TextDecoder().decode(stdout), "there\n");
  },
});

Deno.test({
  name: "git: a signal that we get ends git too",
  ignore: Deno.build.os !== "linux", // /proc says when it is listened for
  fn: async () => {
    await using user = await User.make();
    using limit = deadline(100_000, "the end of git");
    const child = start(user.folder, ["-c", "alias.x=!echo up; read x", "x"]);
    let ended = false;
    child.status.then(() => ended = true);
    limit.signal.addEventListener("abort", () => ended || child.kill("SIGKILL"));
    const reader = child.stdout.getReader();
    assert.equal(new TextDecoder().decode((await reader.read()).value), "up\n");
    while (!await catchesTerm(child.pid)) await sleep(10, limit.signal);
    child.kill("SIGTERM");
    assert.equal((await reader.read()).done, true, "nobody holds the pipe any more");
    assert.equal((await child.status).signal, "SIGTERM");
    await child.stdin.close();
    await child.stderr.cancel();
  },
});

/** Whether a process has a handler for SIGTERM, the 15th signal (proc_pid_status(5)). */
async function catchesTerm(pid: number): Promise<boolean> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  const caught = BigInt(`0x${/^SigCgt:\s*([0-9a-f]+)$/m.exec(status)![1]}`);
  return (caught & (1n << 14n)) !== 0n;
}

Deno.test({
  name: "git: ends quietly when nobody reads",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await using user = await User.make();
    const { code, out } = await gtr(user.folder, [
      "-c",
      "alias.x=!sh -c 'kill -PIPE $$; echo survived'",
      "x",
    ]);
    assert.deepEqual([code, out], [141, ""]);
    const piped = await new Deno.Command("sh", {
      args: ["-c", `"$1" run --quiet -A "$2" help | true`, "sh", Deno.execPath(), GTR],
      stderr: "piped",
    }).output();
    assert.equal(new TextDecoder().decode(piped.stderr), "");
  },
});

Deno.test("git: says so where there is none", async () => {
  await using user = await User.make();
  const { code, err } = await gtr(user.folder, ["log"], { env: { PATH: user.folder } });
  assert.equal(code, 1);
  assert.match(err, /^gtr: can't run git: it is not installed, or not on PATH\nhint: install git/);
});

Deno.test("git: an address of a network that was left out is refused before git sees it", async () => {
  await using user = await User.make();
  const { code, out, err } = await gtr(user.folder, ["clone", `ssb://${"0".repeat(40)}/hello`]);
  assert.deepEqual([code, out], [1, ""]);
  assert.equal(
    err,
    "gtr: can't use ssb:// addresses: this gtr was built without ssb; " +
      "rebuild with make TRANSPORTS=torrent,holepunch,ssb,nostr,default\n",
  );
});
