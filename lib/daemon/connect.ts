/**
 * Getting at an engine: gtd's, or one in this process.
 *
 * @module
 */
import { GtrError } from "../common/errors.ts";
import type { Home } from "../common/home.ts";
import type { Settings } from "../common/settings.ts";
import type { Wait } from "../common/wait.ts";
import { runningGtd } from "./client.ts";
import type { Gtd } from "./operations.ts";

/**
 * A client of the gtd that runs, else of one that this call starts, else (autostart off, or it
 * can't be started) of the same engine inside this process.
 *
 * @throws {UsageError} "bad-setting", whether gtd runs with others or not
 */
export async function connect(home: Home, settings: Settings, wait: Wait): Promise<Gtd> {
  settings.check();
  const running = await runningGtd(home);
  if (running) return running;
  if (settings.get("daemon.autostart")) {
    const { startGtd } = await import("./process.ts");
    try {
      await startGtd(home, wait);
      const started = await runningGtd(home);
      if (started) return started;
    } catch (error) {
      wait.signal.throwIfAborted();
      // Another gtd that does not answer holds the home: a second engine would work against it.
      if (error instanceof GtrError && error.code !== "gtd-not-found") throw error;
    }
  }
  const { openInProcess } = await import("./in_process.ts");
  return await openInProcess(home, settings, wait);
}
