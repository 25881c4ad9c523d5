/**
 * Finding `denort`, Deno's runtime without its tools: the base of standalone binaries.
 *
 * @module
 */
import { join } from "node:path";
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
 * @throws {BuildError} where `path` is given and no file
 */
export async function localBase(path?: string): Promise<Base | undefined> {
  if (path !== undefined) {
    const info = await Deno.stat(path).catch(() => undefined);
    if (!info?.isFile) throw new BuildError(`can't use DENORT_BIN=${path}: there is no such file`);
    const id = `${path} ${info.size} ${info.mtime?.getTime()}`;
    return { path, id, from: "the base is DENORT_BIN" };
  }
  const cached = await Deno.stat(join(await cacheFolder(), "dl", ...archive().split("/")))
    .catch(() => undefined);
  if (!cached?.isFile) return undefined;
  return { id: archive(), from: `denort ${Deno.version.deno} is in Deno's cache` };
}

/**
 * Has Deno download its base, where the host answers soon.
 *
 * @param folder for a program to try it with
 * @returns the base, or why there is none
 */
export async function downloadBase(folder: string): Promise<Base | string> {
  const none = `no denort ${Deno.version.deno} in Deno's cache, and`;
  try {
    const signal = AbortSignal.timeout(ANSWER_MS);
    const { ok, status } = await fetch(`${HOST}/${archive()}`, { method: "HEAD", signal });
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
  if (success) return { id: archive(), from: `denort ${Deno.version.deno} was downloaded` };
  return `${none} its download failed: ${said.split("\n").at(-1) || "it took too long"}`;
}

/** Where `deno compile` takes it from, below the host and below Deno's cache. */
function archive(): string {
  return `release/v${Deno.version.deno}/denort-${Deno.build.target}.zip`;
}

async function cacheFolder(): Promise<string> {
  const { stdout } = await deno(["info", "--json", "--no-config"]);
  return JSON.parse(stdout).denoDir;
}
