/**
 * What is installed: the files of a build, and where each goes.
 *
 * @module
 */
import { join } from "node:path";
import { InstallError } from "./error.ts";
import { launchdAgent, servicePath, systemdUnit } from "./service.ts";

/** One file to install. */
export interface Planned {
  /** Relative to the prefix. */
  readonly to: string;
  readonly mode: number;
  /** A file to copy, or its text. */
  readonly from: { readonly path: string } | { readonly text: string };
}

const DOCUMENTS = ["LICENSE", "README.md", "SECURITY.md", "CHANGELOG.md"];

/**
 * Lists the files of the build in `dist`.
 *
 * @param root the project's folder
 * @throws {InstallError} where there is no build, or not a whole one
 */
export async function plan(
  root: string,
  prefix: string,
  os: typeof Deno.build.os,
  home: string | undefined,
): Promise<Planned[]> {
  const dist = join(root, "dist");
  const executables = await files(join(dist, "bin"));
  if (executables.length === 0) {
    throw new InstallError("can't install: nothing is built yet (make)");
  }
  const bundles = await bundlesOf(dist, executables);
  const shared = await files(join(dist, "share"));
  if (shared.length === 0) throw halfFinished("there is no dist/share");
  const documents = (await files(join(root, "docs"))).filter((path) => path.endsWith(".md"));
  const service = servicePath(os, prefix, home);
  const text = os === "darwin" ? launchdAgent : systemdUnit;
  return [
    ...copies(join(dist, "bin"), "bin", executables, 0o755),
    ...bundles,
    ...copies(join(dist, "share"), "share", shared),
    ...copies(root, "share/doc/gtr", DOCUMENTS),
    ...copies(join(root, "docs"), "share/doc/gtr/docs", documents),
    ...service
      ? [{ to: service, mode: 0o644, from: { text: await text(root, join(prefix, "bin")) } }]
      : [],
  ];
}

/** Launchers need the bundles that they name, and the Deno that runs these. */
async function bundlesOf(dist: string, executables: readonly string[]): Promise<Planned[]> {
  const folders = new Set<string>();
  for (const name of executables) {
    const text = await launcherText(join(dist, "bin", name));
    const folder = text && /"\$lib\/([^/"]+)\/[^/"]+\.js"/.exec(text)?.[1];
    if (folder) folders.add(folder);
  }
  if (folders.size === 0) return [];
  const lib = join(dist, "lib", "gtr");
  if (!(await files(lib)).includes("deno")) throw halfFinished("there is no dist/lib/gtr/deno");
  const planned = copies(lib, "lib/gtr", ["deno"], 0o755);
  for (const folder of folders) {
    const bundles = await files(join(lib, folder));
    if (bundles.length === 0) throw halfFinished(`there is no dist/lib/gtr/${folder}`);
    planned.push(...copies(join(lib, folder), `lib/gtr/${folder}`, bundles));
  }
  return planned;
}

/** The text of a shell script; undefined for another kind of executable, which may be large. */
async function launcherText(path: string): Promise<string | undefined> {
  using file = await Deno.open(path);
  const start = new Uint8Array(2);
  if (await file.read(start) !== 2 || start[0] !== 0x23 || start[1] !== 0x21) return undefined;
  return await Deno.readTextFile(path);
}

function halfFinished(why: string): InstallError {
  return new InstallError(`can't install: the build is not whole: ${why} (make)`);
}

function copies(from: string, to: string, names: readonly string[], mode = 0o644): Planned[] {
  return names.map((name) => ({ to: `${to}/${name}`, mode, from: { path: join(from, name) } }));
}

/** The files below a folder, relative to it and sorted; none where it doesn't exist. */
async function files(folder: string, below = ""): Promise<string[]> {
  const found: string[] = [];
  try {
    for await (const { name, isDirectory } of Deno.readDir(join(folder, below))) {
      const path = below === "" ? name : `${below}/${name}`;
      if (name.endsWith(".tmp")) continue; // of a build that was interrupted
      if (!isDirectory) found.push(path);
      else found.push(...await files(folder, path));
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return found.sort();
}
