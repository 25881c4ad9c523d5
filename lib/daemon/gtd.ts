/**
 * gtd: one per home. Holds the engine, serves the control API, publishes on its own.
 *
 * @module
 */
import { rm } from "node:fs/promises";
import { storeError } from "../common/atomic_file.ts";
import { GtrError, StoreError } from "../common/errors.ts";
import { Home } from "../common/home.ts";
import { Settings } from "../common/settings.ts";
import { VERSION } from "../common/version.ts";
import { deadline, sleep } from "../common/wait.ts";
import { runningGtd } from "./client.ts";
import { controlApi } from "./control_api.ts";
import { Log } from "./log.ts";
import { ServiceNotifier } from "./notify.ts";
import { Service } from "./service.ts";
import { lockHolder, writePid } from "./lock_holder.ts";
import { socketPath } from "./socket.ts";

/** Requests under way may end by themselves for so long, then the engine: five seconds in all. */
const ANSWER_MS = 1000;
const STOP_MS = 3500;
const OTHER_GTD_MS = 10_000;

/** How gtd was started. */
export interface GtdOptions {
  /** In the background: it logs to `gtd.log`. */
  readonly background: boolean;
  /** Called once requests are answered, by this process or by the gtd that was there before. */
  readonly ready: () => void;
}

/**
 * Runs until SIGTERM, SIGINT or a stop request. SIGHUP reads the settings again.
 *
 * @throws {StoreError} "gtd-stuck" where another gtd holds the home and does not answer
 */
export async function runGtd(options: GtdOptions): Promise<void> {
  const home = new Home();
  await home.ensure();
  // It is never closed: whoever gets the lock may rely on no other gtd having files open.
  const lock = await openLock(home);
  if (!await lock.tryLock(true)) return await joinOther(home, options.ready);
  await writePid(lock);
  const settings = await Settings.load(home);
  settings.check(); // who starts us hears of it

  using file = new Log(options.background ? home.log : undefined);
  const log = (message: string) => file.line(message);
  using _strays = catchStrays(log);
  const stopping = new AbortController();
  const stop = () => stopping.abort(new GtrError("stopping", "gtd is stopping"));
  using _signals = onSignals({
    SIGINT: stop,
    SIGTERM: stop,
    SIGHUP: () => void reload(),
  });

  const path = await socketPath(home);
  const env = (name: string) => Deno.env.get(name);
  using notifier = ServiceNotifier.open(env, `${path}.n`, log);
  const service = new Service(home, settings, log, stopping.signal);
  const reload = async () => {
    await notifier?.send("RELOADING=1");
    await service.reload();
    await notifier?.send("READY=1");
  };

  await rm(path, { force: true });
  const api = controlApi({
    engine: () => service.engine,
    stop,
    watch: () => service.watchShares(),
    refollow: () => service.refollow(),
    republish: () => service.republish(),
  });
  const server = Deno.serve({ path, onListen: () => Deno.chmodSync(path, 0o600) }, api);
  log(`gtd ${VERSION} (pid ${Deno.pid}) on ${path}`);
  try {
    await service.start();
    options.ready(); // not before: who waits for it is told what keeps the service from starting
    await notifier?.send("READY=1", `STATUS=serving ${home.root}`);
    await service.work(); // it loads networks, which takes the processor for a moment
    notifier?.keepWatchdog(env, () => service.engine.then(() => true));
    await service.keep();
  } finally {
    await notifier?.send("STOPPING=1");
    await within(ANSWER_MS, server.shutdown());
    await within(STOP_MS, service.stop());
    await rm(path, { force: true });
    log("gtd stopped");
  }
}

async function openLock({ lock }: Home): Promise<Deno.FsFile> {
  return await Deno.open(lock, { write: true, create: true, mode: 0o600 }).catch((error) => {
    throw storeError(`can't write ${lock}`, error);
  });
}

/** The place in the code, unless it is the system's or a peer's fault: those errors have a code. */
function explain(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  return "code" in cause ? cause.message : cause.stack ?? cause.message;
}

/** A listener somewhere deep in a library must not take the daemon down with it. */
function catchStrays(log: (message: string) => void): Disposable {
  const stray = (event: Event & { error?: unknown; reason?: unknown }) => {
    event.preventDefault();
    const cause = event.error ?? event.reason;
    log(`unexpected: ${explain(cause)}`);
  };
  const kinds = ["error", "unhandledrejection"];
  for (const kind of kinds) globalThis.addEventListener(kind, stray);
  return {
    [Symbol.dispose]() {
      for (const kind of kinds) globalThis.removeEventListener(kind, stray);
    },
  };
}

function onSignals(handlers: Partial<Record<Deno.Signal, () => void>>): Disposable {
  const known = Deno.build.os === "windows" ? ["SIGINT"] : Object.keys(handlers);
  const entries = Object.entries(handlers).filter(([name]) => known.includes(name));
  for (const [name, handler] of entries) Deno.addSignalListener(name as Deno.Signal, handler!);
  return {
    [Symbol.dispose]() {
      for (const [name, handler] of entries) {
        Deno.removeSignalListener(name as Deno.Signal, handler!);
      }
    },
  };
}

/** The other gtd may be starting this very moment: it is given time to answer. */
async function joinOther(home: Home, ready: () => void): Promise<void> {
  using limit = deadline(OTHER_GTD_MS, "the other gtd");
  while (!limit.signal.aborted) {
    const other = await runningGtd(home);
    if (other) {
      const { pid } = await other.version({}, limit);
      await other[Symbol.asyncDispose]();
      console.error(`gtd: already running (pid ${pid})`);
      return ready();
    }
    await sleep(50, limit.signal).catch(() => {});
  }
  const pid = await lockHolder(home);
  const process = pid === undefined ? "" : ` (process ${pid})`;
  throw new StoreError(
    "gtd-stuck",
    `can't start gtd: another one${process} holds ${home.root} and does not answer`,
    { hint: `end that process, then try again${pid === undefined ? "" : `: kill ${pid}`}` },
  );
}

/** Ends with `promise` or after `ms`: at the end nothing may hold the process. */
async function within(ms: number, promise: Promise<unknown>): Promise<void> {
  using limit = deadline(ms, "an orderly end");
  const late = new Promise<void>((resolve) =>
    limit.signal.addEventListener("abort", () => resolve(), { once: true })
  );
  await Promise.race([promise, late]).catch(() => {});
}
