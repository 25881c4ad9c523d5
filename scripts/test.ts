/**
 * Runs the checks and the tests, and prints `N passed, N failed` as the last line.
 *
 *     deno run -A scripts/test.ts [check] [unit] [contract] [e2e] [interop]
 *
 * Without arguments, everything. Each check counts as one test. A test that is ignored has to say
 * why at the end of its name, "(needs aria2c)", else it counts as failed. `TEST_DEADLINE` is the
 * number of seconds the whole run may take, by default 1200.
 *
 * @module
 */
import { join } from "node:path";
import { build } from "./build.ts";

const ROOT = join(import.meta.dirname!, "..");
const SOURCES = ["cmd", "lib", "scripts", "tests"];
const CHECKS = [["fmt", "--check"], ["lint"], ["check", ...SOURCES]];
const GROUPS = ["unit", "contract", "e2e", "interop"];
/** Groups that run what is in `dist/bin`. */
const BUILT = ["e2e", "interop"];

interface Count {
  passed: number;
  failed: number;
  ignored: string[];
}

const parts = ["check", ...GROUPS];
const unknown = Deno.args.find((arg) => !parts.includes(arg));
if (unknown !== undefined) {
  console.error(`test: no such part: ${unknown} (there are: ${parts.join(", ")})`);
  Deno.exit(2);
}

const seconds = Number(Deno.env.get("TEST_DEADLINE") || 1200);
const overall = AbortSignal.timeout(seconds * 1000);
const guard = await Deno.makeTempDir({ prefix: "gtr-test-" });
const environment = testEnvironment(guard);

/** The caller's environment, without what could make a test use the caller's own files. */
function testEnvironment(folder: string): Record<string, string> {
  const kept = Object.entries(Deno.env.toObject()).filter(([name]) => !/^(GIT|GTR)_/.test(name));
  return {
    ...Object.fromEntries(kept),
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GTR_HOME: join(folder, "home"), // each test sets its own
    NO_COLOR: "1",
    DENO_NO_UPDATE_CHECK: "1",
  };
}

/** Runs Deno, passing on what it prints; its whole output, and whether it succeeded. */
async function deno(args: readonly string[]): Promise<{ success: boolean; output: string }> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: ROOT,
    env: environment,
    clearEnv: true,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const kill = () => {
    child.kill("SIGTERM");
    const force = setTimeout(() => child.kill("SIGKILL"), 5000);
    child.status.then(() => clearTimeout(force));
  };
  overall.addEventListener("abort", kill);
  const ended = new AbortController();
  let output = "";
  const copy = async (
    from: ReadableStream<Uint8Array>,
    to: { writeSync(b: Uint8Array): number },
  ) => {
    const decoder = new TextDecoder();
    const sink = new WritableStream<Uint8Array>({
      write(bytes) {
        output += decoder.decode(bytes, { stream: true });
        for (let sent = 0; sent < bytes.length;) sent += to.writeSync(bytes.subarray(sent));
      },
    });
    await from.pipeTo(sink, { signal: ended.signal }).catch(() => {});
  };
  const copied = Promise.all([copy(child.stdout, Deno.stdout), copy(child.stderr, Deno.stderr)]);
  const { success } = await child.status;
  overall.removeEventListener("abort", kill);
  // A daemon that a test left behind may hold the pipes open: their end isn't waited for.
  const grace = setTimeout(() => ended.abort(), 2000);
  await copied;
  clearTimeout(grace);
  return { success, output };
}

async function runChecks(): Promise<Count> {
  const count: Count = { passed: 0, failed: 0, ignored: [] };
  for (const check of CHECKS) {
    console.log(`\n== deno ${check.join(" ")}`);
    const { success } = await deno(check);
    success ? count.passed++ : count.failed++;
  }
  return count;
}

async function runGroup(group: string, checked: boolean): Promise<Count> {
  const folder = `tests/${group}`;
  const there = await Deno.stat(join(ROOT, folder)).catch(() => undefined);
  if (!there) return { passed: 0, failed: 0, ignored: [] };
  console.log(`\n== ${folder}`);
  const options = ["--permit-no-files", ...checked ? ["--no-check"] : [], ...frozen()];
  const { success, output } = await deno(["test", "-A", ...options, folder]);
  const counted = [...output.matchAll(/^(?:ok|FAILED) \| (\d+) passed.*? \| (\d+) failed/gm)].at(
    -1,
  );
  const count: Count = {
    passed: Number(counted?.[1] ?? 0),
    failed: Number(counted?.[2] ?? 0),
    ignored: [...output.matchAll(/^(.+?) \.\.\. ignored \(/gm)].map((match) => match[1]!),
  };
  if (!success && count.failed === 0) count.failed = 1; // it didn't even start, or left things open
  return count;
}

function frozen(): string[] {
  return Deno.env.get("CI") ? ["--frozen"] : [];
}

async function run(wanted: readonly string[]): Promise<Count> {
  const total: Count = { passed: 0, failed: 0, ignored: [] };
  const add = (count: Count) => {
    total.passed += count.passed;
    total.failed += count.failed;
    total.ignored.push(...count.ignored);
  };
  let checked = false;
  if (wanted.includes("check")) {
    const count = await runChecks();
    checked = count.failed === 0;
    add(count);
  }
  const groups = GROUPS.filter((group) => wanted.includes(group));
  if (groups.some((group) => BUILT.includes(group))) {
    try {
      console.log(`\n== ${await build(ROOT)}`);
    } catch (error) {
      console.error(`build: ${(error as Error).message}`);
      total.failed++;
      return total; // whatever ran now would run an old build
    }
  }
  for (const group of groups) {
    if (overall.aborted) break;
    add(await runGroup(group, checked));
  }
  if (overall.aborted) {
    console.error(`\nstopped: the run took longer than ${seconds} s`);
    total.failed++;
  }
  return total;
}

const total = await run(Deno.args.length > 0 ? Deno.args : parts);
await Deno.remove(guard, { recursive: true }).catch(() => {});
console.log("");
for (const name of total.ignored) {
  const reason = /\((needs [^)]+)\)$/.exec(name)?.[1];
  if (!reason) total.failed++;
  console.log(`ignored: ${name}${reason ? "" : ": its name gives no reason"}`);
}
if (total.passed + total.failed === 0) console.error("test: nothing ran");
console.log(`${total.passed} passed, ${total.failed} failed`);
Deno.exit(total.failed > 0 || total.passed === 0 ? 1 : 0);
