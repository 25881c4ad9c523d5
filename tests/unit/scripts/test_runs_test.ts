import assert from "node:assert/strict";
import { join } from "node:path";
import { ALONE, batches } from "../../../scripts/test/batches.ts";
import { count, deno, errors } from "../../../scripts/test/deno.ts";

const ROOT = join(import.meta.dirname!, "..", "..", "..");

/** Runs these tests, as `make test` does. */
async function run(
  source: string,
  { signal = AbortSignal.timeout(60_000), preload, env: more = {} }: {
    signal?: AbortSignal;
    preload?: string;
    env?: Record<string, string>;
  } = {},
) {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(join(folder, "a_test.ts"), source);
    const env = { ...Deno.env.toObject(), NO_COLOR: "1", ...more };
    const before = preload === undefined ? [] : ["--preload", preload];
    const args = ["test", "--no-config", "--no-check", "-A", ...before, "a_test.ts"];
    return await deno(args, { cwd: folder, env, signal });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("test runs: what passed, failed and was ignored is counted, and errors are told whole", async () => {
  const ended = await run(`
    Deno.test("one", () => {});
    Deno.test("two", async (t) => {
      await t.step("step", () => {});
    });
    Deno.test("three", () => {
      throw new Error("three's error");
    });
    Deno.test.ignore("four (needs nothing)", () => {});
  `);
  assert.equal(ended.success, false);
  assert.deepEqual(count(ended), { passed: 2, failed: 1, ignored: ["four (needs nothing)"] });
  const told = errors(ended.output);
  assert.match(told, /^ERRORS\s+three => .*three's error/s);
  assert.doesNotMatch(told, /one/);
});

Deno.test("test runs: a file that can't be loaded counts as a failure, and all it printed is told", async () => {
  const ended = await run('import "./missing.ts";');
  assert.deepEqual(count(ended), { passed: 0, failed: 1, ignored: [] });
  assert.match(errors(ended.output), /missing\.ts/);
});

Deno.test("test runs: one that hangs is ended, and has failed", async () => {
  const stop = new AbortController();
  const folder = await Deno.makeTempDir();
  const watcher = Deno.watchFs(folder);
  const hanging = run(
    `Deno.test("hangs", async () => {
      Deno.writeTextFileSync(${JSON.stringify(join(folder, "begun"))}, "");
      await new Promise((resolve) => setTimeout(resolve, 1e9));
    });`,
    { signal: AbortSignal.any([stop.signal, AbortSignal.timeout(60_000)]) },
  );
  for await (const _ of watcher) break;
  stop.abort();
  assert.equal(count(await hanging).failed, 1);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("test runs: each test has a deadline of its own, however it is written", async () => {
  const forever = "async () => void await new Promise((resolve) => setTimeout(resolve, 1e9))";
  const ended = await run(
    `
    Deno.test("one", ${forever});
    Deno.test({ name: "two", fn: ${forever} });
    Deno.test("three", { sanitizeOps: false }, ${forever});
    Deno.test(async function four() { await new Promise((resolve) => setTimeout(resolve, 1e9)); });
    Deno.test("five", async (t) => void await t.step("step", () => {}));
    Deno.test({ name: "six (needs nothing)", ignore: true, fn: ${forever} });
  `,
    { preload: join(ROOT, "scripts", "test", "deadline.ts"), env: { TEST_MS: "100" } },
  );
  assert.deepEqual(count(ended), { passed: 1, failed: 4, ignored: ["six (needs nothing)"] });
  for (const name of ["one", "two", "three", "four"]) {
    assert.match(errors(ended.output), new RegExp(`${name} has not ended after 0.1 s`));
  }
});

Deno.test("test runs: every test file is in one batch, and those that run alone exist", async () => {
  const groups = ["unit", "contract", "e2e", "fuzz", "interop"];
  const all = await batches(ROOT, groups);
  const files = all.flatMap((batch) => batch.files);
  assert.equal(new Set(files).size, files.length);
  const { stdout } = await new Deno.Command("find", {
    args: ["tests", "-name", "*_test.ts"],
    cwd: ROOT,
  }).output();
  const found = new TextDecoder().decode(stdout).trim().split("\n");
  assert.deepEqual(files.toSorted(), found.toSorted());
  const alone = all.filter((batch) => batch.alone).flatMap((batch) => batch.files);
  assert.deepEqual(alone.toSorted(), ALONE.toSorted());
});
