/**
 * Which git is installed.
 *
 * @module
 */
import { GitError } from "../common/errors.ts";
import { runGit } from "./run.ts";

/** The oldest git that has everything used here (`option object-format`, several `--merged`). */
export const OLDEST_GIT = "2.34";

/**
 * The version of the git on PATH.
 *
 * @returns for example "2.39.5"
 * @throws {GitError} "no-git", or "git-too-old" below {@linkcode OLDEST_GIT}
 */
export async function checkGit(): Promise<string> {
  const { stdout } = await runGit(["--version"]);
  return checkVersion(stdout);
}

/** The version in what `git --version` printed; see {@linkcode checkGit}. */
export function checkVersion(printed: string): string {
  const [version, major, minor] = /(\d+)\.(\d+)[.\d]*/.exec(printed) ?? [];
  if (version === undefined) {
    throw new GitError("git-too-old", `can't use this git: it calls itself '${printed.trim()}'`, {
      hint: `install git ${OLDEST_GIT} or newer (https://git-scm.com/downloads)`,
    });
  }
  const [oldMajor, oldMinor] = OLDEST_GIT.split(".").map(Number) as [number, number];
  const tooOld = Number(major) < oldMajor ||
    (Number(major) === oldMajor && Number(minor) < oldMinor);
  if (tooOld) {
    throw new GitError(
      "git-too-old",
      `can't use git ${version}: version ${OLDEST_GIT} or newer is needed`,
      { hint: "install a newer git (https://git-scm.com/downloads)" },
    );
  }
  return version.replace(/\.$/, "");
}
