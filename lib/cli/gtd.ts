/**
 * Asking gtd, with progress for a person and a deadline.
 *
 * @module
 */
import type { PublishedState, Status } from "../daemon/api.ts";
import type { Gtd } from "../daemon/operations.ts";
import { deadline, type Wait } from "../common/wait.ts";
import type { Call } from "./io.ts";
import { note } from "./output.ts";
import { progressLine } from "./progress.ts";

/** A first publication packs the whole repository, which takes long where it is very large. */
export const PACKING_MS = 3_600_000;

/** Its figures are at hand; but it may have been started just now, and be joining its networks. */
export const STATUS_MS = 45_000;

/**
 * Connects to gtd, started if need be, for as long as `ask` takes.
 *
 * @param ms milliseconds it may take in all
 * @param what is waited for, in case nothing comes
 */
export async function withGtd<T>(
  call: Call,
  ms: number,
  what: string,
  ask: (gtd: Gtd, wait: Wait) => Promise<T>,
): Promise<T> {
  using line = progressLine(call.io);
  using limit = deadline(ms, what, call.io.signal, "gtr daemon logs says what gtd does");
  const wait = { signal: limit.signal, progress: line.progress };
  const settings = await call.settings();
  await using gtd = await call.services.connect(call.home, settings, wait);
  return await ask(gtd, wait);
}

/** What the gtd that runs says of itself; undefined where none does. */
export async function runningStatus(call: Call): Promise<Status | undefined> {
  await using gtd = await call.services.running(call.home);
  if (!gtd) return undefined;
  using limit = deadline(STATUS_MS, "gtd's status", call.io.signal, "gtr daemon logs says why");
  return await gtd.status({}, limit);
}

/** Makes gtd read a repository's settings and publish what they share, or withdraw it. */
export async function publish(
  call: Call,
  gitDir: string,
  options: { readonly replace?: boolean } = {},
): Promise<PublishedState> {
  const published = await withGtd(
    call,
    PACKING_MS + (await call.settings()).get("publish.quorumWait") * 1000,
    "gtd to publish",
    (gtd, wait) => gtd.publish({ gitDir, ...options }, wait),
  );
  for (const warning of published.warnings) note(call.io, `warning: ${warning}`);
  return published;
}
