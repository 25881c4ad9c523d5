/**
 * Why a shared branch is not among a repository's refs any more: renamed, damaged or deleted.
 *
 * @module
 */
import { join } from "node:path";
import { headTarget } from "../git_interface/refs.ts";
import { runGit } from "../git_interface/run.ts";

/** Branches whose reflogs are read. */
const MOST_CANDIDATES = 200;
/** Entries read of each: other things may have happened since. */
const MOST_ENTRIES = 50;

/** What became of a branch; `to` is its new full name. */
export type Vanished =
  | { readonly why: "renamed"; readonly to: string }
  | { readonly why: "unreadable" | "deleted" };

/**
 * Finds out what became of `branch`. What git can't read is never taken for a deletion, and a rename
 * is known by the reflog, which git carries along; without one by HEAD, if that moved with the branch.
 *
 * @param gitDir the common git directory
 * @param branch the full name of a branch that git doesn't list
 * @param unshared the branches that there are and that are not shared -> object id
 * @param last the object id that `branch` had when it was last seen
 */
export async function whyVanished(
  gitDir: string,
  branch: string,
  unshared: ReadonlyMap<string, string>,
  last: string | undefined,
  signal: AbortSignal,
): Promise<Vanished> {
  if (await isUnreadable(gitDir, branch)) return { why: "unreadable" };
  const head = await headTarget(gitDir, signal);
  const candidates = [...unshared.keys()].sort((a, b) => Number(b === head) - Number(a === head));
  for (const to of candidates.slice(0, MOST_CANDIDATES)) {
    if (await wasRenamed(gitDir, branch, to, signal)) return { why: "renamed", to };
  }
  if (head !== undefined && last !== undefined && unshared.get(head) === last) {
    return { why: "renamed", to: head };
  }
  return { why: "deleted" };
}

/** A ref file that git skips, or a file of packed refs that a crash left empty: git writes none so. */
async function isUnreadable(gitDir: string, branch: string): Promise<boolean> {
  const loose = await Deno.lstat(join(gitDir, branch)).catch(() => undefined);
  if (loose?.isFile) return true;
  const packed = await Deno.lstat(join(gitDir, "packed-refs")).catch(() => undefined);
  return packed?.isFile === true && packed.size === 0;
}

async function wasRenamed(
  gitDir: string,
  from: string,
  to: string,
  signal: AbortSignal,
): Promise<boolean> {
  const args = ["log", "-g", "--format=%gs", `--max-count=${MOST_ENTRIES}`, to, "--"];
  const { code, stdout } = await runGit(args, { gitDir, signal, allowFail: true });
  if (code !== 0) return false; // it has no reflog
  return stdout.split("\n").some((line) => line.startsWith(`Branch: renamed ${from} to `));
}
