/**
 * How each operation is done.
 *
 * @module
 */
import * as v from "valibot";
import { UsageError } from "../common/errors.ts";
import { VERSION } from "../common/version.ts";
import type { Wait } from "../common/wait.ts";
import type { Engine } from "../engine/engine.ts";
import { plannedPacks } from "../engine/publish/plan.ts";
import { ALL_NETWORKS } from "../transports/all.ts";
import { checkNetwork } from "../transports/known.ts";
import { acknowledgedPush, acknowledgePublication } from "./acknowledge.ts";
import { bundleState, importedState } from "./bundle_state.ts";
import { engineHealth } from "./health.ts";
import { liveAccess } from "./live_access.ts";
import { type AnswerOf, type OperationName, OPERATIONS, type RequestOf } from "./operations.ts";
import { RecentlyResolved } from "./recently_resolved.ts";
import { foreignState, remoteState, syncedState } from "./remote_state.ts";
import { engineStatus } from "./status.ts";

const BUILT_IN = ALL_NETWORKS.map(({ scheme }) => scheme);

/** What handlers need of the process around them. */
export interface Daemon {
  /** Resolves once the engine is open; requests that come earlier wait for it. */
  readonly engine: () => Promise<Engine>;
  /** Ends the process; answered before it happens. */
  readonly stop: () => void;
  /** A repository was published for the first time or changed its settings: watch it. */
  readonly watch: (gitDir: string) => Promise<void>;
  /** Another set of repositories is followed now. */
  readonly refollow: () => Promise<void>;
  /** What is shared has to be published as it is now: the keys that sign it may be others. */
  readonly republish: () => Promise<void>;
}

type Handlers = {
  readonly [N in OperationName]: (
    request: RequestOf<N>,
    wait: Wait,
  ) => AnswerOf<N> | Promise<AnswerOf<N>>;
};

/**
 * Reads a request, which may be anything, and returns what does it.
 *
 * @throws {UsageError} "usage-request"
 */
export type Prepare = (
  name: OperationName,
  request: unknown,
) => (wait: Wait) => Promise<unknown>;

/** The operations of one process. */
export function handlers(daemon: Daemon): Prepare {
  const all = handlersOf(daemon);
  return <N extends OperationName>(name: N, request: unknown) => {
    const schema = OPERATIONS[name].request as v.GenericSchema<unknown, RequestOf<N>>;
    const parsed = v.safeParse(schema, request);
    if (!parsed.success) {
      const why = parsed.issues[0].message.slice(0, 300); // it may repeat what was sent
      throw new UsageError("usage-request", `bad request: ${why}`);
    }
    return async (wait) => await all[name](parsed.output, wait);
  };
}

function handlersOf({ engine, stop, watch, refollow, republish }: Daemon): Handlers {
  const started = performance.now();
  const recent = new RecentlyResolved();
  const engineFor = (url: string) => {
    checkNetwork(url, BUILT_IN);
    return engine();
  };
  return {
    version: () => ({ version: VERSION, pid: Deno.pid }),
    async status() {
      const uptimeSeconds = Math.round((performance.now() - started) / 100) / 10;
      return await engineStatus(await engine(), uptimeSeconds);
    },
    health: async () => await engineHealth((await engine()).parts),
    own: async () => await (await engine()).ownStates(),
    stop() {
      stop();
      return null;
    },

    async resolve({ url }, wait) {
      const found = await (await engineFor(url)).find(url, wait);
      if ("foreign" in found) return { ...foreignState(found.foreign), warning: found.warning };
      recent.add(url, found);
      return remoteState(url, found);
    },
    async sync({ url, sequence, orOlder, ahead }, wait) {
      const known = sequence === undefined ? undefined : recent.get(url, sequence);
      const options = { known, orOlder, unattended: ahead };
      return await syncedState(url, await (await engineFor(url)).sync(url, wait, options));
    },
    async dial({ url, sequence }, wait) {
      const engine = await engineFor(url);
      const dialled = await engine.dial(url, wait, recent.get(url, sequence));
      return { ...remoteState(url, dialled), source: await liveAccess(engine, dialled) };
    },
    async follow({ url, branches }, wait) {
      const followed = await (await engineFor(url)).follow(url, wait, branches);
      await refollow();
      return remoteState(url, followed);
    },
    async unfollow({ url, keep }, wait) {
      const outcome = await (await engineFor(url)).unfollow(url, keep, wait);
      await refollow();
      return outcome;
    },
    async who({ commit, url }, wait) {
      return await (await (url === undefined ? engine() : engineFor(url))).who(commit, url, wait);
    },

    async push(request, wait) {
      const results = await acknowledgedPush(await engineFor(request.url), request, wait);
      await refollow(); // a push may have made the repository
      return results;
    },
    async publish({ gitDir, replace }, wait) {
      const opened = await engine();
      const outcome = await opened.publish(gitDir, wait, { replace });
      await watch(gitDir);
      return await acknowledgePublication(opened, gitDir, outcome, wait);
    },
    withdraw: async ({ name }, wait) => await (await engine()).withdraw(name, wait),
    plannedPacks: async ({ gitDir }, wait) =>
      await plannedPacks((await engine()).parts, gitDir, wait),

    exportBundle: async ({ url }, wait) => await bundleState(await engineFor(url), url, wait),
    async importBundle({ file }, wait) {
      const imported = await importedState(await engine(), file, wait);
      await refollow();
      return imported;
    },

    async useKey({ network, password }, wait) {
      try {
        await (await engine()).useKey(network, password, wait);
      } finally {
        await republish();
      }
      return null;
    },
    async keyFaults() {
      const { networks } = (await engine()).parts;
      return Object.fromEntries(networks.flatMap(({ scheme, account }) => {
        const fault = account?.fault();
        return fault ? [[scheme, fault.toJSON()]] : [];
      }));
    },
  };
}
