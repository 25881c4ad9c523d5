/**
 * A git remote helper from start to exit code.
 *
 * @module
 */
import { formatError, toGtrError, UsageError } from "../common/errors.ts";
import { printable } from "../common/printable.ts";
import { VERSION } from "../common/version.ts";
import type { HelperClient } from "./client.ts";
import type { Streams } from "./connect.ts";
import { LineReader } from "./line_reader.ts";
import type { Environment } from "./local_repository.ts";
import { ProgressMeter } from "./progress_meter.ts";
import { Session } from "./session.ts";
import { tracer } from "./trace.ts";

/** What {@linkcode runHelper} is started with. */
export interface HelperRun {
  /** The URL scheme that the helper is for: "torrent". */
  readonly scheme: string;
  /** git's second argument; absent where a remote has `vcs` set and no URL. */
  readonly url: string | undefined;
  readonly io: Streams & {
    /** For the person: messages and progress. */
    readonly stderr: (text: string) => void;
  };
  readonly env: Environment;
  /** Reaches gtd, or stands in for it. Called once, at the start; ends when the signal aborts. */
  readonly connect: (wait: { signal: AbortSignal }) => Promise<HelperClient>;
  readonly signal?: AbortSignal;
}

/**
 * Talks git's remote-helper protocol until git hangs up.
 *
 * @returns the exit code: 0, or 1 after an error that was told on stderr
 */
export async function runHelper(run: HelperRun): Promise<number> {
  const { io } = run;
  const meter = new ProgressMeter(io.stderr);
  const trace = tracer(run.env, io.stderr);
  trace?.(`git-remote-${run.scheme} ${VERSION} began`);
  const stop = new AbortController();
  const signal = run.signal ? AbortSignal.any([run.signal, stop.signal]) : stop.signal;
  let connected: Promise<HelperClient> | undefined;
  try {
    const url = fullUrl(run);
    connected = run.connect({ signal }); // while git still says what it wants
    if (trace) connected.then(() => trace("connected to gtd"), () => {});
    connected.catch(() => {}); // who needs it sees the failure
    const client = connected;
    await new Session({
      url,
      lines: new LineReader(io.stdin),
      stdout: io.stdout,
      warn: (message) => io.stderr(`warning: ${printable(message)}\n`),
      env: run.env,
      client: () => client,
      meter,
      trace,
      signal,
    }).run();
    trace?.("done");
    return 0;
  } catch (error) {
    meter.abandon();
    io.stderr(`${printable(formatError(toGtrError(error)))}\n`);
    return 1;
  } finally {
    stop.abort();
    await connected?.then((client) => client[Symbol.asyncDispose]()).catch(() => {});
  }
}

/** git passes `torrent::<rest>` on as `<rest>`, without the scheme. */
function fullUrl({ scheme, url }: HelperRun): string {
  if (!url) {
    throw new UsageError("usage", `can't run git-remote-${scheme}: git gave no address`, {
      hint: `git runs it for addresses like ${scheme}://<id>/<name>; set the remote's url`,
    });
  }
  return /^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(url) ? url : `${scheme}://${url}`;
}
