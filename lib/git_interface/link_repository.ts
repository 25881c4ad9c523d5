/**
 * A second name for a repository whose path this program can't write down.
 *
 * @module
 */
import { GitError } from "../common/errors.ts";
import { childEnvironment } from "../common/child_environment.ts";

const MAKE = '!ln -s "$(cd "$GIT_DIR" && pwd -P)" "$GTR_LINK"';

/**
 * Links to the repository that the inherited `GIT_DIR` names. git passes that on, byte by byte, to
 * the shell that makes the link.
 *
 * @param link the path of the new link
 * @throws {GitError} "git-failed"
 */
export async function linkRepository(link: string, signal?: AbortSignal): Promise<void> {
  const { success, stderr } = await new Deno.Command("git", {
    args: ["-c", `alias.gtr-link=${MAKE}`, "gtr-link"],
    // What is not UTF-8 is inherited all the same.
    env: { ...childEnvironment(), GTR_LINK: link },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
    signal,
  }).output();
  if (success) return;
  const [why = ""] = new TextDecoder().decode(stderr).trim().split("\n");
  throw new GitError("git-failed", `can't use a repository whose path is not UTF-8: ${why}`, {
    hint: "rename the folder, or use another",
  });
}
