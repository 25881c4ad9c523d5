/**
 * Which repository a folder belongs to.
 *
 * @module
 */
import { basename, dirname } from "node:path";
import { GitError, RequestError } from "../common/errors.ts";
import { reason, runGit } from "../git_interface/run.ts";

/** Where a repository is. All paths are absolute, with links resolved. */
export interface RepositoryLocation {
  /** The worktree's own git directory: where its HEAD is. */
  readonly gitDir: string;
  /** What all worktrees have in common: refs, objects, gtr's settings. */
  readonly commonDir: string;
  /** The top folder; undefined in a bare repository and inside a git directory. */
  readonly worktree?: string;
}

/**
 * git's own variables: those that name a repository other than the one around the current folder, and
 * those that its looking for one depends on.
 */
export type GitEnvironment = Readonly<Record<string, string>>;

/**
 * The repository that `directory` is in, or undefined where it is in none.
 *
 * @throws {GitError} where there is one that git refuses to use (damaged, owned by someone else)
 */
export async function findRepository(
  directory: string,
  signal: AbortSignal,
  env: GitEnvironment = {},
): Promise<RepositoryLocation | undefined> {
  const ask = async (...questions: string[]) => {
    const { code, stdout, stderr } = await runGit(
      ["rev-parse", "--path-format=absolute", ...questions],
      { cwd: directory, env: { ...env }, signal, allowFail: true },
    );
    if (code === 0) return stdout.replace(/\n$/, ""); // only one: a path may end with a newline
    // "(or any of the parent directories)" is only said when nothing at all was found.
    if (stderr.includes("not a git repository (or any")) return undefined;
    throw new GitError(
      "bad-repository",
      `can't use the repository in ${directory}: ${reason({ code, stderr })}`,
      {
        hint: `git -C ${directory} status says more`,
      },
    );
  };
  const gitDir = await ask("--absolute-git-dir");
  if (gitDir === undefined) return undefined;
  const commonDir = await ask("--git-common-dir") ?? gitDir;
  const inside = await ask("--is-inside-work-tree") === "true";
  const worktree = inside ? await ask("--show-toplevel") : undefined;
  return {
    gitDir: await Deno.realPath(gitDir),
    commonDir: await Deno.realPath(commonDir),
    ...(worktree === undefined ? {} : { worktree: await Deno.realPath(worktree) }),
  };
}

/**
 * The same where there has to be one.
 *
 * @throws {RequestError} "no-repository"
 */
export async function requireRepository(
  directory: string,
  signal: AbortSignal,
  env: GitEnvironment = {},
): Promise<RepositoryLocation> {
  const found = await findRepository(directory, signal, env);
  if (found) return found;
  throw new RequestError("no-repository", `${directory} is in no git repository`, {
    hint: "run it inside one, or make one with gtr init",
  });
}

/**
 * The name a repository gets when nobody chooses one: that of its top folder, without `.git`, with
 * what an address can't hold replaced by "-". A linked worktree has the name of the main one.
 * Empty where nothing usable remains.
 */
export function defaultName(where: RepositoryLocation): string {
  const linked = where.gitDir !== where.commonDir;
  // project/.bare with worktrees beside it, or project/.git: both have the project's name.
  const isInside = [".git", ".bare"].includes(basename(where.commonDir));
  const bare = isInside ? dirname(where.commonDir) : where.commonDir;
  const folder = basename(linked ? bare : where.worktree ?? bare);
  return folder.normalize("NFKD")
    .replaceAll(/\p{M}+/gu, "") // accents: "über" becomes "uber" and not "-ber"
    .replace(/\.git$/, "")
    .replaceAll(/[^A-Za-z0-9._-]+/g, "-")
    .replace(/^[.-]+/, "")
    .slice(0, 64)
    .replace(/(\.lock|\.git|-)+$/, "");
}
