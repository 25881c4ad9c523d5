/**
 * Bundles: each executable's modules and npm packages as JavaScript.
 *
 * @module
 */
import { BuildError } from "./error.ts";
import type { Program } from "./programs.ts";

/**
 * Bundles all programs into `folder`. What several share, and what is imported lazily, become files
 * of their own, so that starting a program reads only what it needs.
 *
 * @throws {BuildError} where a module can't be resolved or parsed
 */
export async function bundle(
  root: string,
  list: readonly Program[],
  folder: string,
): Promise<void> {
  const frozen = Deno.env.get("CI") ? ["--frozen"] : [];
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    // Not `--minify`: it inlines a variable that is used once also where `using` declares it, which
    // is then never disposed of (a lock is never given back).
    args: [
      ...["bundle", "--quiet", "--platform=deno", "--code-splitting", ...frozen],
      ...["--outdir", folder, ...list.map((program) => program.entry)],
    ],
    cwd: root,
    env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  if (success) return;
  const said = new TextDecoder().decode(stderr).trim();
  throw new BuildError(`can't bundle ${list.map((p) => p.entry).join(", ")}:\n${said}`);
}
