/**
 * The commit that a history begins with.
 *
 * @module
 */
import { type GitOptions, runGit } from "./run.ts";

/** A root commit that was found, and of which history. */
export interface KnownRoot {
  readonly tip: string;
  readonly root: string;
}

/**
 * The oldest root of the history of `tip`; of one that only grew since, what it was before, whatever
 * has been merged into it. Looking costs 25 ms for 10,000 commits, seeing that it grew 5 ms.
 *
 * @param tip a commit
 * @returns undefined where git can't tell, as parts of the history are missing
 */
export async function rootCommit(
  gitDir: string,
  tip: string,
  before: KnownRoot | undefined,
  options: Pick<GitOptions, "alternates" | "signal"> = {},
): Promise<string | undefined> {
  const git = (...args: string[]) => runGit(args, { gitDir, ...options, allowFail: true });
  if (before?.tip === tip) return before.root;
  const grew = before && await git("merge-base", "--is-ancestor", before.tip, tip);
  if (grew?.code === 0) return before!.root;
  const { code, stdout } = await git("rev-list", "--max-parents=0", tip);
  return code === 0 ? stdout.trimEnd().split("\n").at(-1) || undefined : undefined;
}
