/**
 * A copy of the tree that faults are put into: the tree itself never has any.
 *
 * @module
 */
import { dirname, join } from "node:path";
import { count, deno } from "../test/deno.ts";
import { testEnvironment } from "../test/environment.ts";
import { type Fault, mutated } from "./faults.ts";

/** How a run of tests ended. */
export type Outcome = "passed" | "failed" | "hung";

/** Longest a check of types may take, in milliseconds. */
const CHECK_MS = 120_000;

/** Disposing it removes the folder, with all that the tests left in it. */
export class Copy implements AsyncDisposable {
  readonly #folder: string;
  readonly #root: string;
  readonly #env: Record<string, string>;

  private constructor(folder: string) {
    this.#folder = folder;
    this.#root = join(folder, "tree");
    this.#env = { ...testEnvironment(folder), TMPDIR: join(folder, "tmp") };
  }

  /** @param root the project's folder; what git ignores isn't copied */
  static async make(root: string): Promise<Copy> {
    const copy = new Copy(await Deno.realPath(await Deno.makeTempDir({ prefix: "gtr-mutants-" })));
    await Deno.mkdir(copy.#env.TMPDIR!);
    const { stdout } = await new Deno.Command("git", {
      args: ["ls-files", "-z", "--cached", "--others", "--exclude-standard"],
      cwd: root,
    }).output();
    for (const name of new TextDecoder().decode(stdout).split("\0").filter(Boolean)) {
      const to = join(copy.#root, name);
      await Deno.mkdir(dirname(to), { recursive: true });
      await Deno.copyFile(join(root, name), to).catch((error) => { // removed, but still in the index
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      });
    }
    await copy.#allowUnused();
    return copy;
  }

  /** What a removed line leaves unused is no error of types. */
  async #allowUnused(): Promise<void> {
    const path = join(this.#root, "deno.json");
    const config = JSON.parse(await Deno.readTextFile(path));
    Object.assign(config.compilerOptions, { noUnusedLocals: false, noUnusedParameters: false });
    await Deno.writeTextFile(path, JSON.stringify(config));
  }

  /** The text of a file, without any fault. */
  async read(file: string): Promise<string> {
    return await Deno.readTextFile(join(this.#root, file));
  }

  /** Does something while a fault is in the copy. */
  async with<T>(fault: Fault, work: () => Promise<T>): Promise<T> {
    const path = join(this.#root, fault.file);
    const text = await this.read(fault.file);
    await Deno.writeTextFile(path, mutated(text, fault));
    try {
      return await work();
    } finally {
      await Deno.writeTextFile(path, text);
    }
  }

  /** Whether a file's types are right. */
  async checks(file: string): Promise<boolean> {
    return (await this.#deno(["check", "--quiet", file], CHECK_MS)).success;
  }

  /** Runs tests up to the first that fails. */
  async test(files: readonly string[], deadlineMs: number): Promise<Outcome> {
    const args = ["test", "-A", "--no-check", "--fail-fast", ...files];
    const { hung, ...ended } = await this.#deno(args, deadlineMs);
    return hung ? "hung" : count(ended).failed > 0 ? "failed" : "passed";
  }

  async #deno(args: readonly string[], deadlineMs: number) {
    const signal = AbortSignal.timeout(deadlineMs);
    const ended = await deno(args, { cwd: this.#root, env: this.#env, signal });
    return { ...ended, hung: signal.aborted };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#folder, { recursive: true });
  }
}
