/**
 * Bundles: each executable's modules and npm packages as JavaScript.
 *
 * @module
 */
import { join } from "node:path";
import { presentAddons, replaceAddons } from "./addons.ts";
import { type Contents, contentsOf } from "./contents.ts";
import { deno } from "./deno.ts";
import { BuildError } from "./error.ts";
import { minify } from "./minify.ts";
import { numberFiles } from "./number_files.ts";
import type { Program } from "./programs.ts";

/**
 * Bundles all programs into `folder`. What several share, and what is imported lazily, become files
 * of their own, so that starting a program reads only what it needs.
 *
 * @param importMap the import map to resolve modules with; undefined: that of `root`
 * @returns what each program consists of
 * @throws {BuildError} where a module can't be resolved, downloaded or parsed
 */
export async function bundle(
  root: string,
  list: readonly Program[],
  folder: string,
  importMap?: string,
): Promise<Contents> {
  const options = [
    ...Deno.env.get("CI") ? ["--frozen"] : [],
    ...importMap ? ["--import-map", importMap] : [],
  ];
  // Not `--minify`: its esbuild inlines a variable that is used once also where `using` declares
  // it, which is then never disposed of (a lock is never given back).
  const { success, said } = await deno([
    ...["bundle", "--quiet", "--platform=deno", "--code-splitting", ...options],
    ...["--outdir", folder, ...list.map((program) => program.entry)],
  ], { cwd: root });
  if (!success) throw failure(list, said);
  const names = list.map((program) => program.name);
  const hashed = await readAll(folder);
  const addons = await presentAddons(replaceAddons(root, hashed));
  dropUnusedRequire(hashed);
  nameByPackage(hashed);
  const files = numberFiles(hashed, names);
  const contents = contentsOf(files, names, addons.map((addon) => addon.name));
  await Deno.remove(folder, { recursive: true });
  await Deno.mkdir(folder);
  for (const [name, code] of await minify(files)) {
    await Deno.writeTextFile(join(folder, name), code);
  }
  for (const { name, path } of addons) await Deno.copyFile(path, join(folder, name));
  return contents;
}

function failure(list: readonly Program[], said: string): BuildError {
  const download = /error: (.*(?:error sending request|dns error|tls handshake).*)/i.exec(said)
    ?.[1];
  if (download) return new BuildError(`can't download the packages in deno.json: ${download}`);
  return new BuildError(`can't bundle ${list.map((p) => p.entry).join(", ")}:\n${said}`);
}

async function readAll(folder: string): Promise<Map<string, string>> {
  const names = (await Array.fromAsync(Deno.readDir(folder))).map((entry) => entry.name).sort();
  const read = async (name: string) => [name, await Deno.readTextFile(join(folder, name))] as const;
  return new Map(await Promise.all(names.map(read)));
}

/**
 * Where some module is CommonJS, the bundler has every file import the chunk with its `require` for
 * its side effects, of which there are none. It loads `node:module`, which takes as long as all the
 * rest of a quick start: files that use nothing of it go without.
 */
function dropUnusedRequire(files: Map<string, string>): void {
  for (const [chunk, code] of files) {
    if (!/^import \{ createRequire as __deno_internal_createRequire \}/m.test(code)) continue;
    for (const [name, text] of files) {
      files.set(name, text.replace(`\nimport "./${chunk}";\n`, "\n"));
    }
  }
}

/** CommonJS modules are told apart by their paths, which are those of the machine that builds. */
function nameByPackage(files: Map<string, string>): void {
  for (const [name, code] of files) {
    files.set(name, code.replaceAll(/"[^"\n]*\/npm\/[^"\n/]+\/([^"\n]+)"\(/g, '"npm:$1"('));
  }
}
