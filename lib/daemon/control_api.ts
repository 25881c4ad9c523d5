/**
 * The control API over an engine: what gtd serves on its socket, and what a helper without gtd calls
 * in its own process.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { Hono } from "hono";
import * as v from "valibot";
import { toGtrError, UsageError } from "../common/errors.ts";
import { VERSION } from "../common/version.ts";
import type { Engine } from "../engine/engine.ts";
import { plannedPacks } from "../engine/plan.ts";
import type { Resolved } from "../engine/resolve.ts";
import type { Synced } from "../engine/sync.ts";
import { formatAddress } from "../identity/address.ts";
import { publisherId } from "../identity/keys.ts";
import { ALL_TRANSPORTS } from "../transports/all.ts";
import { checkNetwork } from "../transports/known.ts";
import type { ForeignState } from "../transports/transport.ts";
import { acknowledgedPush, acknowledgePublication } from "./acknowledge.ts";
import {
  AddressRequest,
  DialRequest,
  FileRequest,
  FollowRequest,
  KeyRequest,
  OwnRequest,
  PublishRequest,
  PushRequest,
  type RemoteState,
  RepositoryRequest,
  type SyncedState,
  SyncRequest,
  TRACE_HEADER,
  UnfollowRequest,
  WhoRequest,
} from "./api.ts";
import { bundleState, importedState } from "./bundle_state.ts";
import { engineHealth } from "./health.ts";
import { liveAccess } from "./live_access.ts";
import { streamWork } from "./ndjson.ts";
import { RecentlyResolved } from "./recently_resolved.ts";
import { engineStatus } from "./status.ts";

const BUILT_IN = ALL_TRANSPORTS.map(({ scheme }) => scheme);

/** What the API needs beside the engine. */
export interface ControlOptions {
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

/** Builds the router. */
export function controlApi(options: ControlOptions): Hono {
  const app = new Hono();
  const started = performance.now();
  const recent = new RecentlyResolved();
  const engineFor = (url: string) => {
    checkNetwork(url, BUILT_IN);
    return options.engine();
  };

  app.get("/v1/version", (c) => c.json({ version: VERSION, pid: Deno.pid }));
  app.get("/v1/status", async (c) => {
    const uptimeSeconds = Math.round((performance.now() - started) / 100) / 10;
    return c.json(await engineStatus(await options.engine(), uptimeSeconds));
  });
  app.get("/v1/health", async (c) => c.json(await engineHealth((await options.engine()).parts)));
  app.get("/v1/own", async (c) => c.json(await (await options.engine()).ownStates()));
  app.get("/v1/keys", async (c) => {
    const { transports } = (await options.engine()).parts;
    return c.json(Object.fromEntries(transports.flatMap(({ scheme, key }) => {
      const fault = key?.fault();
      return fault ? [[scheme, fault]] : [];
    })));
  });
  app.post("/v1/key", async (c) => {
    const { network, password } = await body(KeyRequest, c.req.raw);
    return streamWork(async (wait) => {
      try {
        await (await options.engine()).useKey(network, password, wait);
      } finally {
        await options.republish();
      }
      return null;
    });
  });
  app.post("/v1/stop", (c) => {
    options.stop();
    return c.json({});
  });

  app.post("/v1/resolve", async (c) => {
    const { url } = await body(AddressRequest, c.req.raw);
    return streamWork(async (wait) => {
      const found = await (await engineFor(url)).find(url, wait);
      if ("foreign" in found) return { ...foreignState(found.foreign), warning: found.warning };
      recent.add(url, found);
      return remoteState(url, found);
    }, isTraced(c.req.raw));
  });
  app.post("/v1/sync", async (c) => {
    const { url, quiet, sequence, orOlder, ahead } = await body(SyncRequest, c.req.raw);
    return streamWork(async ({ progress, ...rest }) => {
      const wait = { ...rest, ...(quiet ? {} : { progress }) };
      const known = sequence === undefined ? undefined : recent.get(url, sequence);
      const engine = await engineFor(url);
      const options = { known, orOlder, unattended: ahead };
      return await syncedState(url, await engine.sync(url, wait, options));
    }, isTraced(c.req.raw));
  });
  app.post("/v1/follow", async (c) => {
    const { url, branches } = await body(FollowRequest, c.req.raw);
    return streamWork(async (wait) => {
      const state = remoteState(url, await (await engineFor(url)).follow(url, wait, branches));
      await options.refollow();
      return state;
    });
  });
  app.post("/v1/unfollow", async (c) => {
    const { url, keep } = await body(UnfollowRequest, c.req.raw);
    return streamWork(async (wait) => {
      const outcome = await (await engineFor(url)).unfollow(url, keep, wait);
      await options.refollow();
      return outcome;
    });
  });
  app.post("/v1/dial", async (c) => {
    const { url, sequence } = await body(DialRequest, c.req.raw);
    return streamWork(async (wait) => {
      const engine = await engineFor(url);
      const dialled = await engine.dial(url, wait, recent.get(url, sequence));
      return { ...remoteState(url, dialled), source: await liveAccess(engine, dialled) };
    }, isTraced(c.req.raw));
  });
  app.post("/v1/bundle/export", async (c) => {
    const { url } = await body(AddressRequest, c.req.raw);
    return streamWork(async (wait) => bundleState(await engineFor(url), url, wait));
  });
  app.post("/v1/bundle/import", async (c) => {
    const { file } = await body(FileRequest, c.req.raw);
    return streamWork(async (wait) => {
      const imported = await importedState(await options.engine(), file, wait);
      await options.refollow();
      return imported;
    });
  });
  app.post("/v1/push", async (c) => {
    const request = await body(PushRequest, c.req.raw);
    return streamWork(async (wait) => {
      const results = await acknowledgedPush(await engineFor(request.url), request, wait);
      await options.refollow(); // a push may have made the repository
      return results;
    }, isTraced(c.req.raw));
  });
  app.post("/v1/withdraw", async (c) => {
    const { name } = await body(OwnRequest, c.req.raw);
    return streamWork(async (wait) => (await options.engine()).withdraw(name, wait));
  });
  app.post("/v1/publish", async (c) => {
    const { gitDir, replace } = await body(PublishRequest, c.req.raw);
    return streamWork(async (wait) => {
      const engine = await options.engine();
      const outcome = await engine.publish(gitDir, wait, { replace });
      await options.watch(gitDir);
      return await acknowledgePublication(engine, gitDir, outcome, wait);
    });
  });
  app.post("/v1/who", async (c) => {
    const { commit, url } = await body(WhoRequest, c.req.raw);
    return streamWork(async (wait) => {
      const engine = url === undefined ? await options.engine() : await engineFor(url);
      return await engine.who(commit, url, wait);
    });
  });
  app.post("/v1/packs", async (c) => {
    const { gitDir } = await body(RepositoryRequest, c.req.raw);
    return streamWork(async (wait) => plannedPacks((await options.engine()).parts, gitDir, wait));
  });

  app.onError((error, c) => {
    const shown = toGtrError(error);
    return c.json({ error: shown }, shown instanceof UsageError ? 400 : 500);
  });
  return app;
}

function isTraced(request: Request): boolean {
  return request.headers.has(TRACE_HEADER);
}

async function body<T>(schema: v.GenericSchema<unknown, T>, request: Request): Promise<T> {
  const parsed = v.safeParse(schema, await request.json().catch(() => undefined));
  if (parsed.success) return parsed.output;
  throw new UsageError("usage-request", `bad request: ${parsed.issues[0].message}`);
}

function remoteState(url: string, { signed, publisher, own, warning }: Resolved): RemoteState {
  const { name, sequence, objectFormat, head, refs, peeled, packs } = signed.manifest;
  const scheme = url.slice(0, url.indexOf(":"));
  const id = publisherId(Buffer.from(publisher, "hex"));
  const address = formatAddress({ scheme, id, name });
  return {
    address,
    publisher,
    name,
    sequence,
    objectFormat,
    head,
    refs: { ...refs },
    peeled,
    packBytes: packs.reduce((sum, { size }) => sum + size, 0),
    own,
    warning,
  };
}

function foreignState({ changed, servers, peeled, ...state }: ForeignState): RemoteState {
  const shown = { ...state, refs: { ...state.refs }, peeled: { ...peeled }, servers: [...servers] };
  return { ...shown, sequence: changed, packBytes: 0, own: false };
}

async function syncedState(url: string, synced: Synced): Promise<SyncedState> {
  const files = await synced.repository.packs();
  return {
    ...remoteState(url, synced),
    gitDir: synced.repository.path,
    packs: files.map(({ pack, path }) => ({
      path,
      sha256: pack.sha256,
      size: pack.size,
      objects: pack.objects,
      tips: [...pack.tips],
    })),
  };
}
