/**
 * gtd: one per home. Holds the engine, serves the control API, publishes on its own.
 *
 * @module
 */
import { rm } from "node:fs/promises";
import { Shares } from "../exporter/shares.ts";
import { GtrError, StoreError, toGtrError } from "../common/errors.ts";
import { Home } from "../common/home.ts";
import { Settings } from "../common/settings.ts";
import { VERSION } from "../common/version.ts";
import { deadline, sleep } from "../common/wait.ts";
import { Engine } from "../engine/engine.ts";
import { checkGit } from "../git_interface/version.ts";
import { ALL_TRANSPORTS } from "../transports/all.ts";
import { GtrClient } from "./client.ts";
import { controlApi } from "./control_api.ts";
import { logLine } from "./log.ts";
import { socketPath } from "./socket.ts";
import { RefWatcher } from "./watcher.ts";

const OPEN_MS = 30_000;
const PUBLISH_MS = 3600_000;
const CLEAN_EVERY_MS = 600_000;
const STOP_MS = 4000;
const OTHER_GTD_MS = 10_000;

/**
 * Runs until SIGTERM, SIGINT or a stop request. `ready` is called once requests are answered (by
 * this process, or by the gtd that was there before).
 *
 * @throws {StoreError} "gtd-stuck" where another gtd holds the home and does not answer
 */
export async function runGtd(ready: () => void): Promise<void> {
  const home = new Home();
  await home.ensure();
  using lock = await Deno.open(home.lock, { write: true, create: true, mode: 0o600 });
  if (!await lock.tryLock(true)) return await joinOther(home, ready);
  const settings = await Settings.load(home);
  settings.check(); // who starts us hears of it

  const stopping = new AbortController();
  const stop = () => stopping.abort(new GtrError("stopping", "gtd is stopping"));
  const signals = ["SIGINT", "SIGTERM"] as const;
  for (const name of signals) Deno.addSignalListener(name, stop);
  // A listener somewhere deep in a library must not take the daemon down with it.
  const stray = (event: Event & { error?: unknown; reason?: unknown }) => {
    event.preventDefault();
    const cause = event.error ?? event.reason;
    logLine(`unexpected: ${cause instanceof Error ? cause.stack ?? cause.message : String(cause)}`);
  };
  globalThis.addEventListener("error", stray);
  globalThis.addEventListener("unhandledrejection", stray);

  const engine = openEngine(home, settings, stopping.signal);
  engine.catch(() => {}); // it is awaited below
  using watcher = new RefWatcher((gitDir) => void publish(gitDir), logLine);
  const publish = async (gitDir: string) => {
    try {
      using limit = deadline(PUBLISH_MS, `publishing ${gitDir}`, stopping.signal);
      const { warnings } = await (await engine).publish(gitDir, limit);
      for (const warning of warnings) logLine(`${gitDir}: ${warning}`);
    } catch (error) {
      if (!stopping.signal.aborted) {
        logLine(`can't publish ${gitDir}: ${toGtrError(error).message}`);
      }
    }
  };
  const watchShares = async () =>
    watcher.set((await new Shares(home).list()).map((share) => share.gitDir));

  const path = socketPath(home);
  await rm(path, { force: true });
  const api = controlApi({ engine, stop, watch: watchShares });
  const server = Deno.serve({ path, onListen: () => Deno.chmodSync(path, 0o600) }, api.fetch);
  logLine(`gtd ${VERSION} (pid ${Deno.pid}) on ${path}`);
  ready();

  try {
    const opened = await engine;
    await watchShares();
    for (const { gitDir } of await new Shares(home).list()) void publish(gitDir);
    void opened.seedAll();
    while (!stopping.signal.aborted) {
      using limit = deadline(CLEAN_EVERY_MS, "old packs to be dropped", stopping.signal);
      await opened.dropRetiredPacks(limit).catch((error) => logLine(toGtrError(error).message));
      await sleep(CLEAN_EVERY_MS, stopping.signal).catch(() => {});
    }
  } finally {
    watcher[Symbol.dispose]();
    await within(STOP_MS, server.shutdown());
    await within(STOP_MS, engine.then((opened) => opened[Symbol.asyncDispose](), () => {}));
    await rm(path, { force: true });
    logLine("gtd stopped");
    for (const name of signals) Deno.removeSignalListener(name, stop);
  }
}

async function openEngine(home: Home, settings: Settings, signal: AbortSignal): Promise<Engine> {
  await checkGit();
  using limit = deadline(OPEN_MS, "the networks to open", signal);
  return await Engine.open({ home, settings, transports: ALL_TRANSPORTS, log: logLine }, limit);
}

/** The other gtd may be starting this very moment: it is given time to answer. */
async function joinOther(home: Home, ready: () => void): Promise<void> {
  using limit = deadline(OTHER_GTD_MS, "the other gtd");
  while (!limit.signal.aborted) {
    const other = await GtrClient.running(home);
    if (other) {
      const { pid } = await other.version();
      await other[Symbol.asyncDispose]();
      console.error(`gtd: already running (pid ${pid})`);
      return ready();
    }
    await sleep(50, limit.signal).catch(() => {});
  }
  throw new StoreError(
    "gtd-stuck",
    `can't start gtd: another one holds ${home.root} and does not answer`,
    {
      hint: "end that process, then try again",
    },
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
