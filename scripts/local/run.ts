/**
 * Running programs for the demo and the benchmark.
 *
 * @module
 */

/** The environment a program runs in, in full. */
export type Environment = Readonly<Record<string, string>>;

/** What a program left behind. */
export interface Output {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Wall time in milliseconds, from start to exit. */
  readonly ms: number;
}

/** How to run it. */
export interface RunOptions {
  readonly cwd?: string;
  readonly env: Environment;
  /** Milliseconds until it is stopped. Default: two minutes. */
  readonly deadline?: number;
  /** Stops it when it aborts. */
  readonly signal?: AbortSignal;
  /** What it reads from stdin. */
  readonly input?: string;
  /** Return instead of throwing where it fails. */
  readonly allowFail?: boolean;
}

/** A program was stopped because its time was over. */
export class LateError extends Error {}

/**
 * Runs a program to its end.
 *
 * @throws {LateError} where it takes too long
 * @throws {Error} with what it said, where it fails
 */
export async function run(command: readonly string[], options: RunOptions): Promise<Output> {
  const [program, ...args] = command;
  options.signal?.throwIfAborted();
  const late = AbortSignal.timeout(options.deadline ?? 120_000);
  const stop = options.signal ? AbortSignal.any([late, options.signal]) : late;
  const started = performance.now();
  const child = new Deno.Command(program!, {
    args,
    cwd: options.cwd,
    env: { ...options.env },
    clearEnv: true,
    stdin: options.input === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
    signal: stop,
  }).spawn();
  if (options.input !== undefined) {
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(options.input)).catch(() => {});
    await writer.close().catch(() => {});
  }
  const { code, stdout, stderr } = await child.output();
  const output = {
    code,
    stdout: new TextDecoder().decode(stdout),
    stderr: new TextDecoder().decode(stderr),
    ms: performance.now() - started,
  };
  options.signal?.throwIfAborted();
  if (code === 0 || (options.allowFail && !late.aborted)) return output;
  if (late.aborted) throw new LateError(`${command.join(" ")}: it took too long\n${output.stderr}`);
  throw new Error(`${command.join(" ")}: ${output.stderr.trim() || `exit code ${code}`}`);
}
