/**
 * Running the Deno that runs this.
 *
 * @module
 */

/** What it did. */
export interface Ended {
  readonly success: boolean;
  readonly stdout: string;
  /** What it wrote on stderr, without colours and surrounding space. */
  readonly said: string;
}

/** Runs a subcommand of Deno to its end; stopped early, it has failed. */
export async function deno(
  args: readonly string[],
  options: {
    readonly cwd?: string;
    readonly env?: Record<string, string>;
    readonly signal?: AbortSignal;
  } = {},
): Promise<Ended> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: options.cwd,
    env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1", ...options.env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    signal: options.signal,
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { success, stdout: text(stdout), said: text(stderr).trim() };
}
