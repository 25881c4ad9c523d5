/**
 * Asking a person for a password, the way git does.
 *
 * @module
 */
import { GitError } from "../../../common/errors.ts";
import { abortable, deadline } from "../../../common/wait.ts";
import type { PasswordSource } from "./secret_text.ts";

/** How long a person may think, in milliseconds. */
const PATIENCE = 120_000;
const MAX_PASSWORD = 1024;

/**
 * Asks by the program in `GIT_ASKPASS`, then git's `core.askPass`, then `SSH_ASKPASS`
 * (gitcredentials(7)), else at the terminal, unless `GIT_TERMINAL_PROMPT` is 0. Without any of them
 * nobody is asked.
 *
 * @param env the environment of whoever is to be asked
 * @param configured git's `core.askPass`
 */
export function askLikeGit(
  env: (name: string) => string | undefined,
  configured?: string,
): PasswordSource {
  return async (question, parent) => {
    using limit = deadline(PATIENCE, "a password", parent);
    const program = env("GIT_ASKPASS") || configured || env("SSH_ASKPASS");
    if (program) return await askProgram(program, question, limit.signal);
    return env("GIT_TERMINAL_PROMPT") === "0"
      ? undefined
      : await askTerminal(question, limit.signal);
  };
}

async function askProgram(
  program: string,
  question: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    const { success, stdout } = await new Deno.Command(program, {
      args: [question],
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
      signal,
    }).output();
    signal.throwIfAborted();
    return success ? new TextDecoder().decode(stdout).replace(/\r?\n[^]*$/, "") : undefined;
  } catch (cause) {
    signal.throwIfAborted();
    throw new GitError("askpass", `can't ask for a password with ${program}`, {
      hint: "check GIT_ASKPASS",
      cause,
    });
  }
}

/** Reads a line from the terminal without showing it; undefined where there is no terminal. */
async function askTerminal(question: string, signal: AbortSignal): Promise<string | undefined> {
  let tty: Deno.FsFile;
  try {
    tty = await Deno.open("/dev/tty", { read: true, write: true });
  } catch {
    return undefined;
  }
  try {
    if (!tty.isTerminal()) return undefined;
    await tty.write(new TextEncoder().encode(question));
    tty.setRaw(true, { cbreak: true });
    return await abortable(readLine(tty), signal);
  } finally {
    tty.setRaw(false);
    tty.writeSync(new TextEncoder().encode("\n"));
    tty.close();
  }
}

async function readLine(tty: Deno.FsFile): Promise<string> {
  const bytes: number[] = [];
  const buffer = new Uint8Array(64);
  for (;;) {
    const count = await tty.read(buffer);
    if (count === null) break;
    for (const byte of buffer.subarray(0, count)) {
      if (byte === 10 || byte === 13) return new TextDecoder().decode(Uint8Array.from(bytes));
      if (byte === 127 || byte === 8) bytes.pop();
      else if (bytes.length < MAX_PASSWORD) bytes.push(byte);
    }
  }
  return new TextDecoder().decode(Uint8Array.from(bytes));
}
