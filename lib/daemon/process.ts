/**
 * Keeping gtd up: starting it in the background, stopping it.
 *
 * @module
 */
import { spawn } from "node:child_process";
import { open } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { storeError } from "../common/atomic_file.ts";
import { childEnvironment } from "../common/child_environment.ts";
import { GitError, GtrError, StoreError } from "../common/errors.ts";
import type { Home } from "../common/home.ts";
import { abortable, deadline, sleep, type Wait } from "../common/wait.ts";
import { configEnvironment } from "../git_interface/user_environment.ts";
import { runningGtd } from "./client.ts";
import { startUnit } from "./systemd.ts";

const START_MS = 15_000;
const STOP_MS = 10_000;

/** What gtd itself may say, too. */
const CANNOT_START = "can't start gtd: ";

/**
 * git starts gtd, as it starts its own helpers: it is the only program that may be run, since a
 * binary can't know at its making where its gtd will lie. git's own traces in the environment end
 * here.
 */
const IN_BACKGROUND =
  'unset GIT_CONFIG_PARAMETERS GIT_PREFIX; "$GTR_START" --background </dev/null &';

/**
 * Starts gtd unless it runs. It outlives the caller, inherits its GTR_* settings, and logs to
 * `gtd.log`.
 *
 * @throws {GtrError} "gtd-not-found" where there is no such executable, "gtd-failed" with what it said
 */
export async function startGtd(home: Home, wait: Wait): Promise<{ pid: number; started: boolean }> {
  const before = await pidOf(home, wait);
  if (before !== undefined) return { pid: before, started: false };
  const gtd = gtdPath();
  if (!await isFile(gtd)) {
    throw new GtrError("gtd-not-found", `can't start gtd: there is no ${gtd}`, {
      hint: "install gtd beside gtr",
    });
  }
  await home.ensure();
  const logStart = await Deno.stat(home.log).then((info) => info.size, () => 0);
  {
    await using log = await open(home.log, "a", 0o600).catch((error) => {
      throw storeError(`can't write ${home.log}`, error);
    });
    using limit = deadline(START_MS, "gtd to start", wait.signal, "gtr daemon logs");
    const child = spawn("git", ["-c", `alias.start-gtd=!${IN_BACKGROUND}`, "start-gtd"], {
      cwd: home.root,
      detached: true,
      stdio: ["ignore", "pipe", log.fd],
      env: { ...daemonEnvironment(home), GTR_START: gtd },
    });
    try {
      await abortable(
        new Promise<void>((resolve, reject) => {
          child.once("error", reject);
          child.stdout!.once("end", () => reject(new Error("it ended at once")));
          child.stdout!.once("data", () => resolve());
        }),
        limit.signal,
      );
    } catch (error) {
      throw await startFailure(home, error, logStart);
    } finally {
      child.removeAllListeners();
      child.stdout!.destroy(); // a gtd that becomes ready later finds nobody waiting, and ends
      if (child.pid !== undefined) child.unref(); // else it never started
    }
  }
  const pid = await pidOf(home, wait);
  if (pid === undefined) {
    throw await startFailure(home, new Error("it ended right after its start"), logStart);
  }
  return { pid, started: true };
}

/**
 * Does the same for a person who asks for it: by the service manager where gtd is installed as a
 * service, else by itself.
 */
export async function startService(
  home: Home,
  wait: Wait,
): Promise<{ pid: number; started: boolean }> {
  const before = await pidOf(home, wait);
  if (before !== undefined) return { pid: before, started: false };
  const pid = await startUnit(home, wait) ? await pidOf(home, wait) : undefined;
  return pid === undefined ? await startGtd(home, wait) : { pid, started: true };
}

/** Stops the gtd of this home; false where none ran. */
export async function stopGtd(home: Home, wait: Wait): Promise<boolean> {
  await using gtd = await runningGtd(home);
  if (!gtd) return false;
  using limit = deadline(STOP_MS, "gtd to end", wait.signal);
  await gtd.stop({}, limit);
  // gtd holds the lock for as long as it lives.
  using lock = await Deno.open(home.lock, { write: true, create: true, mode: 0o600 });
  while (!await lock.tryLock(true)) await sleep(20, limit.signal);
  return true;
}

async function pidOf(home: Home, wait: Wait): Promise<number | undefined> {
  await using gtd = await runningGtd(home);
  return (await gtd?.version({}, wait))?.pid;
}

/** gtd lies beside the executable that runs now. */
export function gtdPath(): string {
  if (Deno.build.standalone) {
    return join(dirname(Deno.execPath()), Deno.build.os === "windows" ? "gtd.exe" : "gtd");
  }
  // A bundle is `lib/gtr/<build>/<program>.js` below the folder whose `bin` holds the launchers.
  return resolve(dirname(fileURLToPath(Deno.mainModule)), "..", "..", "..", "bin", "gtd");
}

/**
 * What git sets for its helpers would mislead every git that gtd runs. Where the user's settings are
 * stays, but for those of one command (`git -c`).
 */
function daemonEnvironment(home: Home): Record<string, string> {
  const all = childEnvironment();
  const env = Object.entries(all).filter(([name]) => !name.startsWith("GIT_"));
  const { GIT_CONFIG_PARAMETERS: _, ...settings } = configEnvironment((name) => all[name]);
  return { ...Object.fromEntries(env), ...settings, GTR_HOME: home.root };
}

async function isFile(path: string): Promise<boolean> {
  return await Deno.stat(path).then((info) => info.isFile, () => false);
}

async function startFailure(home: Home, error: unknown, logStart: number): Promise<GtrError> {
  if (error instanceof GtrError) return error;
  if ((error as { code?: string }).code === "ENOENT") {
    return new GitError("no-git", "can't start gtd: git is not installed, or not on PATH", {
      hint: "install git 2.34 or newer (https://git-scm.com/downloads)",
      cause: error,
    });
  }
  const log = await Deno.readFile(home.log).catch(() => new Uint8Array());
  const lines = new TextDecoder().decode(log.subarray(logStart)).split("\n");
  const said = lines.findLastIndex((line) => line.startsWith("gtd: "));
  const hint = /^hint: (.+)/.exec(lines[said + 1] ?? "")?.[1];
  const why = lines[said]?.slice("gtd: ".length) ?? (error as Error).message;
  return new StoreError(
    "gtd-failed",
    why.startsWith(CANNOT_START) ? why : `${CANNOT_START}${why}`,
    {
      hint: hint ?? "gtr daemon logs",
      cause: error,
    },
  );
}
