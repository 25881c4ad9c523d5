/**
 * Handing a command line to git, as if git had been called itself.
 *
 * @module
 */
import { constants } from "node:os";
import { GitError } from "../common/errors.ts";

/** What a person or a supervisor sends to end a command; passed on, since only git should act on it. */
const FORWARDED: readonly Deno.Signal[] = Deno.build.os === "windows"
  ? ["SIGINT", "SIGBREAK"]
  : ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"];

/** Signals that end this process as they ended git, so that the caller sees the same. */
const RAISED: readonly string[] = ["SIGINT", "SIGTERM", "SIGHUP", "SIGKILL"];

/**
 * Runs `git` with the terminal, environment and folder of this process.
 *
 * @returns git's exit code; 128 + n where signal n ended it
 * @throws {GitError} "no-git"
 */
export async function passToGit(words: readonly string[], cwd: string): Promise<number> {
  let child: Deno.ChildProcess;
  try {
    child = new Deno.Command("git", {
      args: [...words],
      cwd,
      stdin: "inherit",
      stdout: "inherit",
      stderr: "inherit",
    }).spawn();
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    throw new GitError("no-git", "can't run git: it is not installed or not in PATH", {
      hint: "install git, from https://git-scm.com or your system's packages",
      cause,
    });
  }
  const handlers = FORWARDED.map((signal) => {
    const handler = () => {
      try {
        child.kill(signal);
      } catch {
        // it has ended meanwhile
      }
    };
    Deno.addSignalListener(signal, handler);
    return { signal, handler };
  });
  const status = await child.status;
  for (const { signal, handler } of handlers) Deno.removeSignalListener(signal, handler);
  if (status.signal === null) return status.code;
  if (RAISED.includes(status.signal)) Deno.kill(Deno.pid, status.signal);
  return 128 + constants.signals[status.signal as keyof typeof constants.signals];
}
