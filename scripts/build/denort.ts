/**
 * Finding `denort`, Deno's runtime without its tools: the base of standalone binaries.
 *
 * @module
 */
import { join } from "node:path";
import { checksum, sha256 } from "./checksums.ts";
import { deno } from "./deno.ts";
import { BuildError } from "./error.ts";

const HOST = "https://dl.deno.land";
const ANSWER_MS = 3000;
const DOWNLOAD_MS = 120_000;

/** A base for binaries. */
export interface Base {
  /** The file; undefined where Deno has it in its cache. */
  readonly path?: string;
  /** Differs where the file does. */
  readonly id: string;
  /** Where it came from, for a person. */
  readonly from: string;
}

/**
 * The base that is on this machine: `path`, else what Deno has downloaded before.
 *
 * @param root the project's folder, whose .deno-checksums says what Deno may have downloaded
 * @throws {BuildError} if `path` is given and no file, or if Deno's cache has something else
 */
export async function localBase(root: string, path?: string): Promise<Base | undefined> {
  if (path !== undefined) {
    const info = await Deno.stat(path).catch(() => undefined);
    if (!info?.isFile) throw new BuildError(`can't use DENORT_BIN=${path}: there is no such file`);
    const id = `${path} ${info.size} ${info.mtime?.getTime()}`;
    return { path, id, from: "the base is DENORT_BIN" };
  }
  const known = await checksum(root, archive());
  if (known === undefined || !await isCached(known)) return undefined;
  return { id: known, from: `denort ${Deno.version.deno} is in Deno's cache` };
}

/**
 * Has Deno download its base, if the host answers soon.
 *
 * @param root the project's folder, whose .deno-checksums has the base's
 * @param folder for a program to try it with
 * @returns the base, or why there is none
 * @throws {BuildError} if what was downloaded is something else
 */
export async function downloadBase(root: string, folder: string): Promise<Base | string> {
  const known = await checksum(root, archive());
  if (known === undefined) return `.deno-checksums has no checksum for ${archive()}`;
  const none = `no denort ${Deno.version.deno} in Deno's cache, and`;
  try {
    const signal = AbortSignal.timeout(ANSWER_MS);
    const { ok, status } = await fetch(`${HOST}/release/${archive()}`, { method: "HEAD", signal });
    if (!ok) return `${none} ${HOST} has none for ${Deno.build.target} (${status})`;
  } catch {
    return `${none} ${HOST} can't be reached; DENORT_BIN=<file> names one`;
  }
  const program = join(folder, "try.ts");
  await Deno.writeTextFile(program, "");
  const args = ["compile", "--quiet", "--no-config", "--no-check"];
  const { success, said } = await deno(
    [...args, "--output", join(folder, "try"), program],
    { signal: AbortSignal.timeout(DOWNLOAD_MS) },
  );
  if (success && await isCached(known)) {
    return { id: known, from: `denort ${Deno.version.deno} was downloaded` };
  }
  return `${none} its download failed: ${said.split("\n").at(-1) || "it took too long"}`;
}

/** How releases of Deno name it, below "release/" on the host and in Deno's cache. */
function archive(): string {
  return `v${Deno.version.deno}/denort-${Deno.build.target}.zip`;
}

/**
 * Whether Deno's cache has the base.
 *
 * @throws {BuildError} if it has something else of that name
 */
async function isCached(known: string): Promise<boolean> {
  const path = join(await cacheFolder(), "dl", "release", ...archive().split("/"));
  const found = await sha256(path);
  if (found === undefined || found === known) return found !== undefined;
  throw new BuildError(
    `can't use ${path}: its SHA-256 is ${found}, not that in .deno-checksums (remove it)`,
  );
}

async function cacheFolder(): Promise<string> {
  const { stdout } = await deno(["info", "--json", "--no-config"]);
  return JSON.parse(stdout).denoDir;
}
