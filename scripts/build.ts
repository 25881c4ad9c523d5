/**
 * Builds every executable of `cmd/` into `dist/bin`.
 *
 * What is built are bundles, in `dist/lib/gtr/<fingerprint>/`, which launchers in `dist/bin` start
 * with the Deno in `dist/lib/gtr/`. A build is complete when `dist/lib/gtr/build.json` names it;
 * everything is renamed into place, and the bundles of the build before stay for the programs that
 * still run from them.
 *
 * @module
 */
import { join } from "node:path";
import { bundle } from "./build/bundle.ts";
import { BuildError } from "./build/error.ts";
import { fingerprint } from "./build/fingerprint.ts";
import { launcher } from "./build/launcher.ts";
import { type Program, programs } from "./build/programs.ts";
import { placeShare } from "./build/share.ts";

const KIND = "bundles run by the Deno beside them";

interface Build {
  readonly fingerprint: string;
  readonly previous?: string;
}

/**
 * Builds what changed since the last build.
 *
 * @param root the project's folder
 * @returns one line for a person: what was built, and why
 * @throws {BuildError}
 */
export async function build(root: string): Promise<string> {
  const started = performance.now();
  const bin = join(root, "dist", "bin");
  const lib = join(root, "dist", "lib", "gtr");
  const list = await programs(root);
  if (list.length === 0) throw new BuildError("can't build: cmd/ holds no program");
  const names = list.flatMap((program) => [program.name, ...program.aliases]);

  await Deno.mkdir(join(root, "dist"), { recursive: true });
  using lock = await Deno.open(join(root, "dist", "lock"), { create: true, write: true });
  await lock.lock(true); // two builds at once: the second finds the first one's work
  const wanted = await fingerprint(root);
  const last = await readBuild(lib);
  if (last?.fingerprint === wanted && await haveAll(bin, lib, wanted, list, names)) {
    return `dist/bin is up to date (${KIND}): nothing changed`;
  }
  try {
    await Deno.mkdir(bin, { recursive: true });
    await Deno.mkdir(lib, { recursive: true });
    await placeDeno(join(lib, "deno"));
    await placeBundles(root, list, lib, wanted);
    await placeLaunchers(root, list, bin, wanted);
    const previous = last?.fingerprint === wanted ? last.previous : last?.fingerprint;
    await writeFile(
      join(lib, "build.json"),
      JSON.stringify({ fingerprint: wanted, previous }) + "\n",
    );
    await clean(bin, names);
    await clean(lib, ["deno", "build.json", wanted, ...previous ? [previous] : []]);
  } catch (error) {
    if (error instanceof BuildError) throw error;
    throw new BuildError(`can't write dist: ${(error as Error).message}`);
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const why = !last ? "first build" : "sources changed";
  return `built ${names.join(", ")} into dist/bin (${KIND}, ${seconds} s): ${why}`;
}

async function haveAll(
  bin: string,
  lib: string,
  folder: string,
  list: readonly Program[],
  names: readonly string[],
): Promise<boolean> {
  const needed = [
    join(lib, "deno"),
    ...list.map((program) => join(lib, folder, `${program.name}.js`)),
    ...names.map((name) => join(bin, name)),
  ];
  const there = await Promise.all(needed.map((path) => Deno.stat(path).catch(() => undefined)));
  return there.every((info) => info?.isFile);
}

async function readBuild(lib: string): Promise<Build | undefined> {
  try {
    return JSON.parse(await Deno.readTextFile(join(lib, "build.json")));
  } catch {
    return undefined; // none yet, or a damaged one: build anew
  }
}

/** Links the running Deno, else copies it, unless the same one is there already. */
async function placeDeno(path: string): Promise<void> {
  const running = Deno.execPath();
  const [ours, there] = await Promise.all([
    Deno.stat(running),
    Deno.stat(path).catch(() => undefined),
  ]);
  if (there && there.size === ours.size && there.mtime?.getTime() === ours.mtime?.getTime()) return;
  const temporary = `${path}.${Deno.pid}.tmp`;
  try {
    await Deno.link(running, temporary);
  } catch {
    await Deno.copyFile(running, temporary); // another file system
    await Deno.utime(temporary, ours.atime ?? new Date(), ours.mtime ?? new Date());
  }
  await Deno.rename(temporary, path);
}

async function placeBundles(
  root: string,
  list: readonly Program[],
  lib: string,
  folder: string,
): Promise<void> {
  const temporary = join(lib, `${folder}.${Deno.pid}.tmp`);
  try {
    await bundle(root, list, temporary);
    await Deno.remove(join(lib, folder), { recursive: true }).catch(() => {});
    await Deno.rename(temporary, join(lib, folder));
  } finally {
    await Deno.remove(temporary, { recursive: true }).catch(() => {});
  }
}

async function placeLaunchers(
  root: string,
  list: readonly Program[],
  bin: string,
  folder: string,
): Promise<void> {
  const { version } = JSON.parse(await Deno.readTextFile(join(root, "deno.json")));
  const ours = new Set(list.map((program) => program.name));
  for (const program of list) {
    for (const name of [program.name, ...program.aliases]) {
      await writeFile(join(bin, name), launcher(program, version, folder, ours), 0o755);
    }
  }
}

async function writeFile(path: string, content: string, mode = 0o644): Promise<void> {
  const temporary = `${path}.${Deno.pid}.tmp`;
  await Deno.writeTextFile(temporary, content, { mode });
  await Deno.rename(temporary, path);
}

/** Removes what no longer belongs into `folder`: executables that are gone, half-finished builds. */
async function clean(folder: string, keep: readonly string[]): Promise<void> {
  for await (const entry of Deno.readDir(folder)) {
    if (keep.includes(entry.name)) continue;
    await Deno.remove(join(folder, entry.name), { recursive: true }).catch(() => {});
  }
}

if (import.meta.main) {
  try {
    const root = join(import.meta.dirname!, "..");
    const said = await build(root);
    await placeShare(root);
    console.log(said);
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    console.error(`build: ${error.message}`);
    Deno.exit(1);
  }
}
