/**
 * Standalone binaries: a bundle's files behind Deno's runtime, in one file for each program.
 *
 * @module
 */
import { join } from "node:path";
import { deno } from "./deno.ts";
import type { Base } from "./denort.ts";
import { BuildError } from "./error.ts";
import { PERMISSIONS, type Program } from "./programs.ts";

/**
 * Compiles one program of the bundle in `from`.
 *
 * @param files what the program consists of in there
 * @param output the binary to write; its last part becomes part of it
 * @throws {BuildError}
 */
export async function compile(
  program: Program,
  from: string,
  files: readonly string[],
  output: string,
  base: Base,
): Promise<void> {
  const { success, said } = await deno([
    ...["compile", "--quiet", "--no-config", "--no-lock", "--no-check", "--no-remote", "--no-npm"],
    // The cache of compiled code would be a file in /tmp that any user can make first.
    "--no-code-cache",
    ...["--no-prompt", ...PERMISSIONS, `--allow-run=${program.runs.join(",")}`, ...program.flags],
    ...files.filter((name) => name.endsWith(".node")).map((name) =>
      `--include=${join(from, name)}`
    ),
    ...["--output", output, join(from, `${program.name}.js`)],
  ], { env: base.path ? { DENORT_BIN: base.path } : {} });
  if (success) return;
  const why = said.split("\n").filter(Boolean).slice(0, 4).join(": ");
  throw new BuildError(`can't compile ${program.name}: ${why}`);
}

/** Gives a bundle's files one date: `deno compile` writes it into the binary. */
export async function dateFiles(folder: string): Promise<void> {
  for await (const { name } of Deno.readDir(folder)) {
    await Deno.utime(join(folder, name), 0, 0);
  }
}
