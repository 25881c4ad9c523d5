/**
 * Handing a command line to git, as if git had been called itself.
 *
 * @module
 */
import { constants } from "node:os";
import { childEnvironment } from "../common/child_environment.ts";
import { GitError } from "../common/errors.ts";
import { sleep } from "../common/wait.ts";
import { networks } from "./networks.ts";

/** What a person or a supervisor ends a command with; passed on, since it is git's to act on. */
const FORWARDED: readonly Deno.Signal[] = Deno.build.os === "windows"
  ? ["SIGINT", "SIGBREAK"]
  : ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"];

/** Signals that end this process as they ended git, so that the caller sees the same. */
const RAISED: readonly string[] = ["SIGINT", "SIGTERM", "SIGHUP", "SIGKILL"];

const RAISE_MS = 2000;

/** What git takes addresses for. */
const REMOTE_COMMANDS: readonly string[] = ["clone", "fetch", "ls-remote", "pull", "push"];

/**
 * Runs `git` with the terminal, environment and folder of this process.
 *
 * @returns git's exit code; 128 + n where signal n ended it
 * @throws {GitError} "no-git"
 * @throws {RequestError} "network-left-out": git could only say that it has no such helper
 */
export async function passToGit(words: readonly string[], cwd: string): Promise<number> {
  if (REMOTE_COMMANDS.includes(words[0] ?? "")) await refuseLeftOut(words);
  const child = spawnGit(words, cwd);
  // Not before: git has to inherit what is ignored, in the background and under nohup.
  const listening = FORWARDED.map((signal) => {
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
  for (const { signal, handler } of listening) Deno.removeSignalListener(signal, handler);
  if (status.signal === null) return status.code;
  if (RAISED.includes(status.signal)) {
    Deno.kill(Deno.pid, status.signal);
    // Deno acts on signals in a thread of its own, which ends us while we wait.
    await sleep(RAISE_MS, new AbortController().signal);
  }
  return 128 + constants.signals[status.signal as keyof typeof constants.signals];
}

async function refuseLeftOut(words: readonly string[]): Promise<void> {
  const addresses = words.filter((word) => word.includes("::") || word.includes("://"));
  if (addresses.length === 0) return;
  const { checkLeftOut } = await import("../transports/known.ts");
  const builtIn = await networks();
  for (const address of addresses) checkLeftOut(address, builtIn);
}

function spawnGit(words: readonly string[], cwd: string): Deno.ChildProcess {
  try {
    return new Deno.Command("git", {
      args: [...words],
      cwd,
      clearEnv: true,
      env: childEnvironment(),
      stdin: "inherit",
      stdout: "inherit",
      stderr: "inherit",
    }).spawn();
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    throw new GitError("no-git", "can't run git: it is not installed, or not on PATH", {
      hint: "install git 2.34 or newer (https://git-scm.com/downloads)",
      cause,
    });
  }
}
