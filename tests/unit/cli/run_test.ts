/** How a command line ends. */
import assert from "node:assert/strict";
import { GtrError, UsageError } from "../../../lib/common/errors.ts";
import type { Io } from "../../../lib/cli/io.ts";
import { run } from "../../../lib/cli/run.ts";

/** Runs `gtr --help` where printing does this. */
async function withOutput(stdout: () => void) {
  let err = "";
  const io = { stdout, stderr: (text: string) => err += text, cwd: "/", home: "/" };
  return { code: await run(["--help"], io as unknown as Io), err };
}

const fails = (error: Error) => () => {
  throw error;
};

Deno.test("run: a reader of the output that has gone is no failure that is told", async () => {
  const broken = await withOutput(fails(new Deno.errors.BrokenPipe("gone")));
  assert.deepEqual(broken, { code: 141, err: "" }); // 128 + SIGPIPE, as a shell has it
});

Deno.test("run: what fails is told with its hint, and decides the exit code", async () => {
  assert.deepEqual(await withOutput(() => {}), { code: 0, err: "" });
  const hint = { hint: "do that" };
  assert.deepEqual(await withOutput(fails(new GtrError("x", "can't do this", hint))), {
    code: 1,
    err: "gtr: can't do this\nhint: do that\n",
  });
  assert.equal((await withOutput(fails(new UsageError("x", "can't read this")))).code, 2);
  const { code, err } = await withOutput(fails(new GtrError("x", "\x1b[2Jboo")));
  assert.equal(code, 1);
  assert.ok(!err.includes("\x1b"));
});
