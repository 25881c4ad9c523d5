/**
 * Loaded before the tests of every file: gives each test a deadline of its own, so that one that waits
 * for what never comes fails, by name, instead of holding up all others.
 *
 * @module
 */

/** Longer than any test takes on a busy machine. */
const TEST_MS = Number(Deno.env.get("TEST_MS") || 300_000);

type Fn = (t: Deno.TestContext) => void | Promise<void>;

/** The commands of this process's children: most likely it is one of them that a test waits for. */
function running(): string[] {
  try {
    const args = ["-o", "args=", "--ppid", String(Deno.pid)];
    const { stdout } = new Deno.Command("ps", { args, stderr: "null" }).outputSync();
    const lines = new TextDecoder().decode(stdout).trim().split("\n");
    return lines.filter((line) => line !== "" && !line.includes("ps -o args="));
  } catch {
    return []; // there is no ps
  }
}

function limited(name: string, fn: Fn): Fn {
  return async (t) => {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      const why = `${name} has not ended after ${TEST_MS / 1000} s`;
      late.reject(new Error([why, ...running()].join("\nit waits for: ")));
    }, TEST_MS);
    try {
      await Promise.race([fn(t), late.promise]);
    } finally {
      clearTimeout(timer);
    }
  };
}

/** All forms in which `Deno.test` is called, as the one with an object. */
function definition(args: readonly unknown[]): Deno.TestDefinition {
  const name = args.find((arg) => typeof arg === "string");
  const fn = args.find((arg) => typeof arg === "function") as Fn | undefined;
  const given = args.filter((arg) => typeof arg === "object") as Partial<Deno.TestDefinition>[];
  const whole: Partial<Deno.TestDefinition> = Object.assign({}, ...given, name && { name });
  const chosen = fn ?? whole.fn!;
  const known = whole.name ?? chosen.name;
  return { ...whole, name: known, fn: limited(known, chosen) };
}

const original = Deno.test;
const test = (...args: unknown[]) => original(definition(args));
const ignore = (...args: unknown[]) => original({ ...definition(args), ignore: true });
const only = (...args: unknown[]) => original({ ...definition(args), only: true });
Object.defineProperty(Deno, "test", { value: Object.assign(test, original, { ignore, only }) });
