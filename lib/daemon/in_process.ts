/**
 * The engine inside the calling process, behind the same API as gtd: for when no gtd may run.
 *
 * @module
 */
import type { Home } from "../common/home.ts";
import type { Settings } from "../common/settings.ts";
import type { Wait } from "../common/wait.ts";
import { Engine } from "../engine/engine.ts";
import { ALL_TRANSPORTS } from "../transports/all.ts";
import { controlApi } from "./control_api.ts";
import type { ControlAnswer, ControlRequest } from "./unix_http.ts";

/** Opens an engine that lives until disposed. It seeds only what it publishes or fetches itself. */
export async function openInProcess(
  home: Home,
  settings: Settings,
  wait: Wait,
): Promise<{ send: (request: ControlRequest) => Promise<ControlAnswer> } & AsyncDisposable> {
  const engine = await Engine.open(
    { home, settings, transports: ALL_TRANSPORTS, log: () => {} },
    wait,
  );
  const api = controlApi({
    engine: () => Promise.resolve(engine),
    stop: () => {},
    watch: () => Promise.resolve(),
    refollow: () => Promise.resolve(),
    republish: () => Promise.resolve(),
  });
  return {
    send: async ({ path, body, ...request }) =>
      await api.request(path, { ...request, ...(body === "" ? {} : { body }) }),
    [Symbol.asyncDispose]: () => engine[Symbol.asyncDispose](),
  };
}
