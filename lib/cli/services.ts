/**
 * What verbs reach outside their process, so that tests can stand in for it.
 *
 * @module
 */
import type { Home } from "../common/home.ts";
import type { Settings } from "../common/settings.ts";
import type { Wait } from "../common/wait.ts";
import type { Gtd } from "../daemon/operations.ts";
import type { AskRegistry } from "../identity/registry_fetch.ts";
import type { AskSecret } from "./ask_secret.ts";

/** How verbs reach gtd and others. */
export interface Services {
  /** A connection to gtd, which is started if need be. */
  connect(home: Home, settings: Settings, wait: Wait): Promise<Gtd>;
  /** Starts gtd where it doesn't run. */
  start(home: Home, wait: Wait): Promise<{ pid: number; started: boolean }>;
  /** Stops gtd; says whether it ran. */
  stop(home: Home, wait: Wait): Promise<boolean>;
  /** A connection to the gtd that runs; undefined where none does. */
  running(home: Home): Promise<Gtd | undefined>;
  /** Asks a domain about one of its names. */
  readonly askRegistry: AskRegistry;
  /** What asks the person for secrets. */
  secrets(): AskSecret;
}

/** The real ones, each loaded when it is used. */
export const SERVICES: Services = {
  async connect(home, settings, wait) {
    const { connect } = await import("../daemon/connect.ts");
    return await connect(home, settings, wait);
  },
  async start(home, wait) {
    const { startService } = await import("../daemon/process.ts");
    return await startService(home, wait);
  },
  async stop(home, wait) {
    const { stopGtd } = await import("../daemon/process.ts");
    return await stopGtd(home, wait);
  },
  async running(home) {
    const { runningGtd } = await import("../daemon/client.ts");
    return await runningGtd(home);
  },
  async askRegistry(name, signal) {
    const { askRegistry } = await import("../identity/registry_fetch.ts");
    return await askRegistry(name, signal);
  },
  secrets() {
    const loading = import("./ask_secret.ts").then(({ secretsFromStdin }) => secretsFromStdin());
    return async (question, signal) => await (await loading)(question, signal);
  },
};
