/**
 * Runs the checks and the tests, and prints `N passed, N failed` as the last line.
 *
 *     deno run -A scripts/test.ts [check] [unit] [contract] [e2e] [fuzz] [interop]
 *
 * Without arguments, everything. Each check counts as one test. A test that is ignored has to say
 * why at the end of its name, "(needs aria2c)", else it counts as failed. Tests mostly wait for other
 * processes, so `TEST_LANES` of them (default 3) run at once, except those that have to be alone;
 * what a process printed is shown when it has ended, and all errors again at the end. `TEST_DEADLINE`
 * is the number of seconds the whole run may take, by default 2400; each test has a deadline of its
 * own (scripts/test/deadline.ts), and so has each process of tests.
 *
 * @module
 */
import { join } from "node:path";
import { build } from "./build.ts";
import { environmentNumber } from "./local/environment_number.ts";
import { type Batch, batches } from "./test/batches.ts";
import { type Count, count, deno, errors } from "./test/deno.ts";
import { testEnvironment } from "./test/environment.ts";

const ROOT = join(import.meta.dirname!, "..");
/** Gives each test a deadline. */
const DEADLINE = join(ROOT, "scripts", "test", "deadline.ts");
/** What the tests of one process may take in all: then it hangs where no test's deadline helps. */
const BATCH_MS = 900_000;
const SOURCES = ["cmd", "lib", "scripts", "tests"];
const CHECKS = [["fmt", "--check"], ["lint"], ["check", "--quiet", ...SOURCES]];
/** In the order they begin: those that take long first. */
const GROUPS = ["e2e", "interop", "contract", "fuzz", "unit"];
/** Groups that run what is in `dist/bin`. */
const BUILT = ["e2e", "interop"];

const parts = ["check", ...GROUPS];
const unknown = Deno.args.find((arg) => !parts.includes(arg));
if (unknown !== undefined) {
  console.error(`test: no such part: ${unknown} (there are: ${parts.join(", ")})`);
  Deno.exit(2);
}

const seconds = environmentNumber("TEST_DEADLINE", 2400);
const lanes = environmentNumber("TEST_LANES", 3);
const overall = AbortSignal.timeout(seconds * 1000);
const guard = await Deno.makeTempDir({ prefix: "gtr-test-" });
const options = { cwd: ROOT, env: testEnvironment(guard), signal: overall };
const total: Count = { passed: 0, failed: 0, ignored: [] };
const failures: string[] = [];

function failed(name: string, output: string): void {
  failures.push(`== ${name}\n${errors(output)}`);
}

async function runCheck(args: readonly string[]): Promise<boolean> {
  const name = `deno ${args.join(" ")}`;
  const { success, output } = await deno(args, options);
  console.log(`\n== ${name}\n${output.trim()}`);
  if (!success) failed(name, output);
  return success;
}

async function runBatch({ name, files }: Batch): Promise<void> {
  const flags = Deno.env.get("CI") ? ["--frozen"] : [];
  const start = performance.now();
  // The types of all have been checked at once: that is quicker.
  const signal = AbortSignal.any([overall, AbortSignal.timeout(BATCH_MS)]);
  const args = ["test", "-A", "--no-check", "--preload", DEADLINE, ...flags, ...files];
  const ended = await deno(args, { ...options, signal });
  const counted = count(ended);
  total.passed += counted.passed;
  total.failed += counted.failed;
  total.ignored.push(...counted.ignored);
  if (!ended.success) failed(name, ended.output);
  const took = ((performance.now() - start) / 1000).toFixed(0);
  console.log(`\n== ${name} (${took} s)\n${ended.output.trim()}`);
}

/** Each lane takes the next batch when it has ended one. */
async function runLanes(batches: readonly Batch[], width: number): Promise<void> {
  const waiting = batches.values();
  await Promise.all(Array.from({ length: width }, async () => {
    for (const batch of waiting) {
      if (overall.aborted) return;
      await runBatch(batch);
    }
  }));
}

async function run(wanted: readonly string[]): Promise<void> {
  const groups = GROUPS.filter((group) => wanted.includes(group));
  if (wanted.includes("check")) {
    for (const check of CHECKS) await runCheck(check) ? total.passed++ : total.failed++;
  } else if (!await runCheck(["check", "--quiet", ...groups.map((group) => `tests/${group}`)])) {
    total.failed++;
  }
  if (groups.some((group) => BUILT.includes(group))) {
    try {
      console.log(`\n== ${await build(ROOT)}`);
    } catch (error) {
      total.failed++;
      failures.push(`build: ${(error as Error).message}`);
      return; // whatever ran now would run an old build
    }
  }
  const all = await batches(ROOT, groups);
  await runLanes(all.filter(({ alone }) => !alone), lanes);
  await runLanes(all.filter(({ alone }) => alone), 1);
  if (!overall.aborted) return;
  total.failed++;
  failures.push(`stopped: the run took longer than ${seconds} s`);
}

await run(Deno.args.length > 0 ? Deno.args : parts);
await Deno.remove(guard, { recursive: true }).catch(() => {});
if (failures.length > 0) console.log(`\n\n${failures.join("\n\n")}`);
console.log("");
for (const name of total.ignored) {
  const reason = /\((needs [^)]+)\)$/.exec(name)?.[1];
  if (!reason) total.failed++;
  console.log(`ignored: ${name}${reason ? "" : ": its name gives no reason"}`);
}
if (total.passed + total.failed === 0) console.error("test: nothing ran");
console.log(`${total.passed} passed, ${total.failed} failed`);
Deno.exit(total.failed > 0 || total.passed === 0 ? 1 : 0);
