/**
 * The engine inside the calling process, for when no gtd may run.
 *
 * @module
 */
import type { Home } from "../common/home.ts";
import type { Settings } from "../common/settings.ts";
import { abortable, type Wait } from "../common/wait.ts";
import { Engine } from "../engine/engine.ts";
import { ALL_NETWORKS } from "../transports/all.ts";
import { handlers } from "./handlers.ts";
import { callsBy, type Gtd } from "./operations.ts";

/** Opens an engine that lives until disposed. It seeds only what it publishes or fetches itself. */
export async function openInProcess(home: Home, settings: Settings, wait: Wait): Promise<Gtd> {
  const engine = await Engine.open(
    { home, settings, networks: ALL_NETWORKS, log: () => {} },
    wait,
  );
  const prepare = handlers({
    engine: () => Promise.resolve(engine),
    stop: () => {},
    watch: () => Promise.resolve(),
    refollow: () => Promise.resolve(),
    republish: () => Promise.resolve(),
  });
  return {
    ...callsBy(async (name, request, wait) =>
      await abortable(prepare(name, request)(wait), wait.signal)
    ),
    [Symbol.asyncDispose]: () => engine[Symbol.asyncDispose](),
  };
}
