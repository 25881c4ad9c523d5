/**
 * Telling a history that was rewritten from that of another repository, made in the same folder.
 *
 * @module
 */
import { isAncestor } from "../../git_interface/refs.ts";
import { runGit } from "../../git_interface/run.ts";
import type { SharedState } from "./working_repository.ts";

/**
 * Whether a branch of a working repository has nothing to do with what is published of it. After an
 * amend, a rebase or a forced update there is a common commit, or the old commit is still there.
 *
 * @param gitDir the working repository's
 * @param store the repository of the store
 * @param tips the commit that the branch has here, and the one that is published
 */
export async function isOtherHistory(
  { objectDirs }: Pick<SharedState, "objectDirs">,
  gitDir: string,
  store: string,
  { here, there }: { readonly here: string; readonly there: string },
  signal: AbortSignal,
): Promise<boolean> {
  if (here === there) return false;
  const options = { alternates: objectDirs, signal };
  if (await isAncestor(store, there, here, options)) return false;
  const common = ["merge-base", here, there];
  if ((await runGit(common, { gitDir: store, ...options, allowFail: true })).code === 0) {
    return false;
  }
  const known = ["cat-file", "-e", there];
  return (await runGit(known, { gitDir, signal, allowFail: true })).code !== 0;
}
