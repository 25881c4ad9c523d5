import assert from "node:assert/strict";
import { boundedArguments, isOverBudget, unpackBudget } from "../../../lib/git_interface/budget.ts";
import { runGit, spawnGit } from "../../../lib/git_interface/run.ts";

const MIB = 1 << 20;
const SMALL = { memoryBytes: 64 * MIB, cpuSeconds: 1, threads: 1 };
/** Has a git alias do something in a shell of its own. */
const shell = (command: string) => ["-c", `alias.try=!${command}`, "try"];
const POSIX = Deno.build.os !== "windows";

Deno.test("a budget grows with the pack, from what git itself takes", () => {
  const [none, some] = [unpackBudget(0), unpackBudget(64 * MIB)];
  assert.equal(none.memoryBytes, 256 * MIB);
  assert.equal(none.cpuSeconds, 10);
  assert.equal(some.memoryBytes, (256 + 16 * 64) * MIB);
  assert.equal(some.cpuSeconds, 10 + 5 * 64);
  assert(none.threads >= 1 && none.threads <= 4);
  assert(some.threads >= none.threads && some.threads <= navigator.hardwareConcurrency);
});

Deno.test("git runs within a budget as it does without", async () => {
  const { stdout } = await runGit(["version"], { budget: SMALL });
  assert.equal(stdout, (await runGit(["version"])).stdout);
  const text = "a 'b' \"c\" $d";
  const { stdout: hash } = await runGit(["hash-object", "--stdin"], { input: text });
  assert.equal(
    (await runGit(["hash-object", "--stdin"], { input: text, budget: SMALL })).stdout,
    hash,
  );
  const failed = await runGit(["no-such-command"], { budget: SMALL, allowFail: true });
  assert.equal(failed.code, 1);
  assert(!isOverBudget(failed));
});

Deno.test("what a peer says of its own memory says nothing of what it sent", () => {
  const said = "fatal: out of memory, malloc failed";
  assert(isOverBudget({ code: 128, stderr: `remote: Counting objects\n${said}` }));
  for (const stderr of [`remote: ${said}`, "fatal: remote error: out of memory"]) {
    assert(!isOverBudget({ code: 128, stderr: `${stderr}\nfatal: early EOF` }), stderr);
  }
});

Deno.test({
  name: "what takes too long is ended by the system",
  ignore: !POSIX,
  fn: async () => {
    const end = await runGit(shell("while :; do :; done"), { budget: SMALL, allowFail: true });
    assert(isOverBudget(end), `${end.code} ${end.stderr}`);
  },
});

Deno.test({
  name: "what takes too much memory is refused it by the system (Linux)",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const input = "x".repeat(100 * MIB);
    const end = await runGit(["hash-object", "--stdin"], { budget: SMALL, input, allowFail: true });
    assert(isOverBudget(end), `${end.code} ${end.stderr}`);
    const within = { ...SMALL, memoryBytes: 512 * MIB, cpuSeconds: 60 };
    await runGit(["hash-object", "--stdin"], { budget: within, input });
  },
});

Deno.test({
  name: "elsewhere a process looks how much memory is taken (needs ps)",
  ignore: !POSIX,
  fn: async () => {
    const args = boundedArguments(["hash-object", "--stdin"], SMALL, "darwin");
    // As on a system where that does nothing.
    const git = await spawnGit(args.map((arg) => arg.replace("ulimit -S -d $m", "m=1")));
    const [end, said] = await Promise.all([git.ended, new Response(git.stdout).text()]);
    assert(isOverBudget(end), `${end.code} ${end.stderr} ${said}`);
    await git.stdin.abort().catch(() => {});
  },
});

Deno.test({
  name: "a git within a budget ends with its signal",
  ignore: !POSIX,
  fn: async () => {
    const stop = new AbortController();
    const folder = await Deno.makeTempDir();
    const pid = `${folder}/pid`;
    const command = `echo $$ >${pid}.new; mv ${pid}.new ${pid}; exec sleep 60`;
    const running = runGit(shell(command), { budget: SMALL, signal: stop.signal });
    running.catch(() => {});
    const until = Date.now() + 30_000;
    while (!(await Deno.stat(pid).catch(() => undefined)) && Date.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const started = Number(await Deno.readTextFile(pid));
    stop.abort(new Error("enough"));
    await assert.rejects(running, /enough/);
    assert.throws(() => Deno.kill(started, "SIGCONT"), "it still runs");
    await Deno.remove(folder, { recursive: true });
  },
});
