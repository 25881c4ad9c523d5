/**
 * Running the tests that should notice a fault.
 *
 * @module
 */
import type { Concerned } from "./concerned.ts";
import type { Copy } from "./copy.ts";
import type { Fault } from "./faults.ts";

/** `survived`: no test failed. `invalid`: the types are wrong, so it isn't counted. */
export type Verdict = "noticed" | "hung" | "survived" | "invalid";

/** What the tests of one fault may take where they pass, in milliseconds; farther ones don't run. */
const BUDGET_MS = 60_000;
/** What a process of tests takes at most where it passes, in milliseconds. */
const PROCESS_MS = 5_000;
/** After this time, and as many times what it takes otherwise, a process hangs. */
const HUNG_MS = 30_000;
const HUNG_FACTOR = 4;
/** Longest a test file may take without a fault, in milliseconds. */
const LONGEST_MS = 120_000;

/** What test files take without a fault: undefined where they fail. Measured when first needed. */
export class Clean {
  readonly #took = new Map<string, Promise<number | undefined>>();

  /** @returns milliseconds */
  async took(test: string, copy: Copy): Promise<number | undefined> {
    const known = this.#took.get(test) ?? this.#measure(test, copy);
    this.#took.set(test, known);
    return await known;
  }

  async #measure(test: string, copy: Copy): Promise<number | undefined> {
    const start = performance.now();
    const outcome = await copy.test([test], LONGEST_MS);
    if (outcome === "passed") return performance.now() - start;
    console.log(`left out, since it fails without any fault: ${test}`);
    return undefined;
  }
}

/** Test files that run in one process, and what they take, in milliseconds. */
interface Run {
  readonly tests: readonly string[];
  readonly ms: number;
}

/** The tests of a file, nearest first, as runs that fit into the budget. */
async function* runsFor(
  file: string,
  copy: Copy,
  concerned: Concerned,
  clean: Clean,
): AsyncGenerator<Run> {
  let run: Run = { tests: [], ms: 0 };
  let total = 0;
  for (const test of concerned.tests(file)) {
    const ms = await clean.took(test, copy);
    if (ms === undefined) continue;
    total += ms;
    if (total > BUDGET_MS) break;
    if (run.tests.length > 0 && run.ms + ms > PROCESS_MS) {
      yield run;
      run = { tests: [], ms: 0 };
    }
    run = { tests: [...run.tests, test], ms: run.ms + ms };
  }
  if (run.tests.length > 0) yield run;
}

/** Puts a fault into the copy, and runs tests until one fails. */
export async function hunt(
  fault: Fault,
  copy: Copy,
  concerned: Concerned,
  clean: Clean,
): Promise<Verdict> {
  if (!await copy.with(fault, () => copy.checks(fault.file))) return "invalid";
  for await (const { tests, ms } of runsFor(fault.file, copy, concerned, clean)) {
    const deadlineMs = HUNG_MS + HUNG_FACTOR * ms;
    const outcome = await copy.with(fault, () => copy.test(tests, deadlineMs));
    if (outcome === "hung") return "hung";
    if (outcome === "failed") return "noticed";
  }
  return "survived";
}
