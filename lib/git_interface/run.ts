/**
 * Running git as a separate process.
 *
 * @module
 */
import { childEnvironment } from "../common/child_environment.ts";
import { GitError, StoreError } from "../common/errors.ts";
import type { Progress } from "../common/wait.ts";
import { boundedArguments, type Budget } from "./budget.ts";

/** What every git process is started with. */
export interface GitOptions {
  /** The repository (`GIT_DIR`); also the working directory unless `cwd` is given. */
  readonly gitDir?: string;
  readonly cwd?: string;
  /** `GIT_OBJECT_DIRECTORY`: where objects are read and written instead of `gitDir/objects`. */
  readonly objectDirectory?: string;
  /** `GIT_ALTERNATE_OBJECT_DIRECTORIES`: further object directories to read from. */
  readonly alternates?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** The process is terminated when it aborts. */
  readonly signal?: AbortSignal;
  /** Told of git's own progress lines ("Resolving deltas: 42% (3/7)"). */
  readonly progress?: Progress;
  /** What it may use of this machine; no limit unless given. */
  readonly budget?: Budget;
}

/** How a git process ended. */
export interface GitEnd {
  readonly code: number;
  /** The last lines git wrote on stderr, without progress. */
  readonly stderr: string;
}

/** A running git process. */
export interface GitProcess {
  readonly stdin: WritableStream<Uint8Array>;
  readonly stdout: ReadableStream<Uint8Array>;
  /** Settles once the process has ended; rejects with the signal's reason if that was the cause. */
  readonly ended: Promise<GitEnd>;
}

/**
 * Runs git and collects what it prints.
 *
 * @param args the subcommand and its arguments, options like `-c` included
 * @param options `input` is written to stdin; with `allowFail` a non-zero exit is returned, not thrown
 * @throws {GitError} "git-failed" with git's own words, "no-git", "no-repository"
 * @throws {StoreError} "disk-full" where git says so
 */
export async function runGit(
  args: readonly string[],
  options: GitOptions & { readonly input?: string; readonly allowFail?: boolean } = {},
): Promise<GitEnd & { readonly stdout: string }> {
  const git = await spawnGit(args, options);
  const [stdout, end] = await Promise.all([
    new Response(git.stdout).text(),
    git.ended,
    feed(git.stdin, options.input ?? ""),
  ]);
  if (end.code !== 0 && !options.allowFail) throw gitFailure(args, end);
  return { ...end, stdout };
}

/**
 * Starts git with its streams open; stdout must be read to its end.
 *
 * @throws {GitError} "no-git", "no-repository"
 */
export async function spawnGit(
  args: readonly string[],
  options: GitOptions = {},
): Promise<GitProcess> {
  options.signal?.throwIfAborted();
  const cwd = options.cwd ?? options.gitDir;
  let child: Deno.ChildProcess;
  try {
    child = new Deno.Command("git", {
      args: options.budget ? boundedArguments(args, options.budget) : [...args],
      cwd,
      clearEnv: true,
      env: environment(options),
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
      signal: options.signal,
    }).spawn();
  } catch (cause) {
    throw await spawnFailure(cwd, cause);
  }
  const ended = waitForEnd(child, options);
  ended.catch(() => {}); // whoever awaits it sees the failure; nobody has to
  return { stdin: child.stdin, stdout: child.stdout, ended };
}

/** The error for a git process that ended with a non-zero exit code. */
export function gitFailure(args: readonly string[], end: GitEnd): GitError | StoreError {
  const what = `git ${subcommand(args)} failed`;
  const why = reason(end);
  if (/No space left on device|Disk quota exceeded|Out of diskspace/i.test(end.stderr)) {
    return new StoreError("disk-full", `${what}: no space left on the disk`, {
      hint: "free some space and run it again; nothing that was published is lost",
    });
  }
  return new GitError("git-failed", `${what}: ${why}`);
}

/** What git gave as its reason: its last "fatal:" line, else all it said. */
export function reason(end: GitEnd): string {
  const lines = end.stderr.split("\n").filter((line) => line.trim() !== "");
  const fatal = lines.findLast((line) => line.startsWith("fatal: ")) ?? lines.at(-1);
  return fatal?.replace(/^(fatal|error): /, "") ?? `exit code ${end.code}`;
}

async function waitForEnd(child: Deno.ChildProcess, options: GitOptions): Promise<GitEnd> {
  const [status, stderr] = await Promise.all([
    child.status,
    readStderr(child.stderr, options.progress),
  ]);
  options.signal?.throwIfAborted();
  return { code: status.code, stderr };
}

/**
 * The caller's environment without its `GIT_*` variables: git exports GIT_DIR and others to a
 * remote helper, and they would turn every other git process to the wrong repository.
 */
function environment(options: GitOptions): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(childEnvironment())) {
    if (!name.startsWith("GIT_")) env[name] = value;
  }
  env.LC_ALL = "C"; // messages are parsed
  env.GIT_TERMINAL_PROMPT = "0";
  env.GIT_NO_REPLACE_OBJECTS = "1"; // what is shared are the objects themselves
  env.GIT_NO_LAZY_FETCH = "1"; // a partial clone must not ask its remote for what it lacks
  if (options.gitDir) env.GIT_DIR = options.gitDir;
  if (options.objectDirectory) env.GIT_OBJECT_DIRECTORY = options.objectDirectory;
  if (options.alternates?.length) {
    env.GIT_ALTERNATE_OBJECT_DIRECTORIES = options.alternates.map(quotePath).join(":");
  }
  return { ...env, ...options.env };
}

/** Git reads a path with C quotes around it where a colon would split it (git(1)). */
function quotePath(path: string): string {
  return /[:"\\\n]/.test(path) ? JSON.stringify(path) : path;
}

async function spawnFailure(cwd: string | undefined, cause: unknown): Promise<GitError> {
  if (cwd !== undefined && !(await isDirectory(cwd))) {
    return new GitError("no-repository", `can't run git in ${cwd}: there is no such folder`, {
      cause,
    });
  }
  if (cause instanceof Deno.errors.NotFound) {
    return new GitError("no-git", "can't run git: it is not installed, or not on PATH", {
      hint: "install git 2.34 or newer (https://git-scm.com/downloads)",
      cause,
    });
  }
  return new GitError("git-failed", `can't run git: ${(cause as Error).message}`, { cause });
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isDirectory;
  } catch {
    return false;
  }
}

async function feed(stdin: WritableStream<Uint8Array>, input: string): Promise<void> {
  const writer = stdin.getWriter();
  try {
    if (input) await writer.write(new TextEncoder().encode(input));
    await writer.close();
  } catch {
    // git ended before it read everything: its exit code and stderr say why
  }
}

const PROGRESS_LINE =
  /^(?:remote: )?([A-Z][a-z]+(?: [a-z]+)*): +(?:\d+% \((\d+)\/(\d+)\)|(\d+))(?:,.*|)$/;
const TAIL_LINES = 20;
const LONGEST_LINE = 1000;

async function readStderr(
  stream: ReadableStream<Uint8Array>,
  progress: Progress | undefined,
): Promise<string> {
  const tail: string[] = [];
  const take = (written: string) => {
    const line = written.trimEnd(); // git pads what it passes on of the other side's progress
    const found = PROGRESS_LINE.exec(line);
    if (found) {
      progress?.(Number(found[2] ?? found[4]), Number(found[3] ?? 0), found[1] ?? "");
    } else if (line !== "") {
      tail.push(line.slice(0, LONGEST_LINE));
      if (tail.length > TAIL_LINES) tail.shift();
    }
  };
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split(/[\r\n]/);
    rest = (lines.pop() ?? "").slice(0, LONGEST_LINE);
    lines.forEach(take);
  }
  take(rest);
  return tail.join("\n");
}

/** The word after git's own options: "index-pack" of `-c a=b index-pack --strict`. */
function subcommand(args: readonly string[]): string {
  for (let i = 0; i < args.length; i++) {
    if (args[i] === "-c" || args[i] === "-C") i++;
    else if (!args[i]?.startsWith("-")) return args[i] ?? "";
  }
  return args.join(" ");
}
