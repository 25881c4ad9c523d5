/**
 * Running Deno to its end, and reading what `deno test` says.
 *
 * @module
 */

/** How a process ended. */
export interface Ended {
  readonly success: boolean;
  /** All that it printed. */
  readonly output: string;
}

/** How many tests there were. */
export interface Count {
  passed: number;
  failed: number;
  /** Names of those that didn't run. */
  ignored: string[];
}

/** How long an ended process's pipes are read on, in milliseconds. */
const GRACE_MS = 2000;
/** How long a process that is told to end may take, in milliseconds. */
const KILL_MS = 5000;

/** Runs Deno; at the abort it is ended, and what it printed so far is kept. */
export async function deno(
  args: readonly string[],
  options: { cwd: string; env: Record<string, string>; signal: AbortSignal },
): Promise<Ended> {
  const { cwd, env, signal } = options;
  const child = new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd,
    env,
    clearEnv: true,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let force: ReturnType<typeof setTimeout> | undefined;
  const kill = () => {
    child.kill("SIGTERM");
    force = setTimeout(() => child.kill("SIGKILL"), KILL_MS);
  };
  if (signal.aborted) kill();
  else signal.addEventListener("abort", kill);
  const ended = new AbortController();
  let output = "";
  const collect = async (from: ReadableStream<Uint8Array>) => {
    const decoder = new TextDecoder();
    const sink = new WritableStream<Uint8Array>({
      write: (bytes) => void (output += decoder.decode(bytes, { stream: true })),
    });
    await from.pipeTo(sink, { signal: ended.signal }).catch(() => {});
  };
  const collected = Promise.all([collect(child.stdout), collect(child.stderr)]);
  const { success } = await child.status;
  signal.removeEventListener("abort", kill);
  clearTimeout(force);
  // A daemon that a test left behind may hold the pipes open: their end isn't waited for.
  const grace = setTimeout(() => ended.abort(), GRACE_MS);
  await collected;
  clearTimeout(grace);
  return { success, output };
}

/** Reads the last line of `deno test`; a run that failed counts at least one failure. */
export function count({ success, output }: Ended): Count {
  const line = /^(?:ok|FAILED) \| (\d+) passed.*? \| (\d+) failed/gm;
  const [, passed, failed] = [...output.matchAll(line)].at(-1) ?? [];
  const ignored = [...output.matchAll(/^(.+?) \.\.\. ignored \(/gm)].map(([, name]) => name!);
  // It may not even have started, or have left things open.
  const least = success ? 0 : 1;
  return { passed: Number(passed ?? 0), failed: Math.max(least, Number(failed ?? 0)), ignored };
}

/** Of the output of a failed `deno test`, what says why: from its list of errors on, else all. */
export function errors(output: string): string {
  const start = output.search(/^ ERRORS $/m);
  return (start < 0 ? output : output.slice(start)).trim();
}
