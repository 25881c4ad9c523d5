/**
 * The repository git runs the helper for.
 *
 * @module
 */
import { join, resolve } from "node:path";
import { RequestError } from "../common/errors.ts";

/** Reads one environment variable. */
export type Environment = (name: string) => string | undefined;

/** Where the parts of git's own repository are; see gitrepository-layout(5). */
export interface LocalRepository {
  /** Of a linked worktree: its own directory below the common one's `worktrees`. */
  readonly gitDir: string;
  /** Where refs and settings are. */
  readonly commonDir: string;
  readonly objectDirectory: string;
  /** Further object directories that git was told of by its environment. */
  readonly alternates: readonly string[];
}

/**
 * Finds it from the variables that git sets for a helper.
 *
 * @throws {RequestError} "no-repository" where git runs outside of any
 */
export async function localRepository(env: Environment): Promise<LocalRepository> {
  const given = env("GIT_DIR");
  if (!given) {
    throw new RequestError(
      "no-repository",
      "can't fetch or push here: this is not a git repository",
      {
        hint: "git clone <address> makes one",
      },
    );
  }
  const gitDir = resolve(given);
  const shared = env("GIT_COMMON_DIR");
  const commonDir = shared
    ? resolve(shared)
    : resolve(gitDir, await firstLine(join(gitDir, "commondir")) ?? ".");
  const alternates = env("GIT_ALTERNATE_OBJECT_DIRECTORIES")?.split(":").filter(Boolean) ?? [];
  return {
    gitDir,
    commonDir,
    objectDirectory: resolve(env("GIT_OBJECT_DIRECTORY") || join(commonDir, "objects")),
    alternates: alternates.map((path) => resolve(path)),
  };
}

/**
 * Whether objects that its refs reach may be absent by intent: a shallow or a partial clone. Then
 * only git's own negotiation knows what is missing.
 */
export async function isIncomplete(local: LocalRepository): Promise<boolean> {
  if (await firstLine(join(local.commonDir, "shallow"))) return true;
  try {
    for await (const { name } of Deno.readDir(join(local.objectDirectory, "pack"))) {
      if (name.endsWith(".promisor")) return true;
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return false;
}

/**
 * Whether `git clone` is filling it. git doesn't say so before it fetches, but until then it has
 * written the remote's address without the branches that are fetched from there.
 */
export async function isBeingCloned(local: LocalRepository): Promise<boolean> {
  if (!await isEmpty(local)) return false;
  // git itself wrote the file just now: it has no includes, and no line is continued.
  let isRemote = false;
  const keys = new Set<string>();
  for (const line of await lines(join(local.commonDir, "config"))) {
    if (line.startsWith("[")) isRemote = /^\[remote "/i.test(line);
    const [, key] = /^\s*(url|fetch)\s*=/i.exec(line) ?? [];
    if (isRemote && key) keys.add(key.toLowerCase());
  }
  return keys.has("url") && !keys.has("fetch");
}

/** Whether it has no object of its own. */
async function isEmpty({ objectDirectory, alternates }: LocalRepository): Promise<boolean> {
  if (alternates.length > 0 || await firstLine(join(objectDirectory, "info", "alternates"))) {
    return false;
  }
  try {
    for await (const { name } of Deno.readDir(objectDirectory)) {
      if (/^[0-9a-f]{2}$/.test(name)) return false;
    }
    for await (const { name } of Deno.readDir(join(objectDirectory, "pack"))) {
      if (name.endsWith(".pack")) return false;
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return true;
}

async function firstLine(path: string): Promise<string | undefined> {
  return (await lines(path))[0];
}

/** None if there is no such file. */
async function lines(path: string): Promise<string[]> {
  try {
    return (await Deno.readTextFile(path)).split("\n");
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
