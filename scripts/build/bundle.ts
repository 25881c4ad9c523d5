/**
 * Bundles: each executable's modules and npm packages as JavaScript.
 *
 * @module
 */
import { join } from "node:path";
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
  if (!success) {
    const said = new TextDecoder().decode(stderr).trim();
    throw new BuildError(`can't bundle ${list.map((p) => p.entry).join(", ")}:\n${said}`);
  }
  await dropUnusedRequire(folder);
}

/**
 * Where some module is CommonJS, the bundler has every file import the chunk with its `require` for
 * its side effects, of which there are none. It loads `node:module`, which takes as long as all the
 * rest of a quick start: files that use nothing of it go without.
 */
async function dropUnusedRequire(folder: string): Promise<void> {
  const files = new Map<string, string>();
  for await (const { name } of Deno.readDir(folder)) {
    files.set(name, await Deno.readTextFile(join(folder, name)));
  }
  for (const [chunk, code] of files) {
    if (!/^import \{ createRequire as __deno_internal_createRequire \}/m.test(code)) continue;
    for (const [name, text] of files) {
      const without = text.replace(`\nimport "./${chunk}";\n`, "\n");
      if (without === text) continue;
      files.set(name, without);
      await Deno.writeTextFile(join(folder, name), without);
    }
  }
}
