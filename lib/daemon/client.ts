/**
 * The client of the control API: over gtd's socket, or the same engine within this process.
 *
 * @module
 */
import * as v from "valibot";
import { errorFromBody, GtrError, NetworkError } from "../common/errors.ts";
import type { Home } from "../common/home.ts";
import { idleDeadline, type Wait } from "../common/wait.ts";
import {
  BundleState,
  DialledState,
  type DialRequest,
  ErrorLine,
  Health,
  ImportedState,
  KeyFaults,
  type KeyRequest,
  OwnStates,
  PlannedPack,
  ProgressLine,
  PublishedState,
  type PublishRequest,
  type PushRequest,
  PushResult,
  RemoteState,
  Status,
  StepLine,
  type SyncChoice,
  SyncedState,
  TRACE_HEADER,
  UnfollowedState,
  type WhoRequest,
  WhoState,
} from "./api.ts";
import { readLines, textsOf } from "./ndjson.ts";
import { socketPath } from "./socket.ts";
import { type ControlAnswer, type ControlRequest, sendOverUnix } from "./unix_http.ts";

/** gtd sends a line every two seconds while it works; silence for this long means that it is stuck. */
const SILENCE_MS = 30_000;
const TRACED = { [TRACE_HEADER]: "1" };

/** Where requests go, and how the way there is closed. */
export interface Way extends AsyncDisposable {
  readonly send: (request: ControlRequest) => Promise<ControlAnswer>;
}

/** A thin client. Dispose it to let the process end. */
export class GtrClient implements AsyncDisposable {
  readonly #way: Way;

  /** A client whose requests go `way`; disposing of it closes that. */
  constructor(way: Way) {
    this.#way = way;
  }

  /** A client of the gtd that runs on `home`; undefined where none does. */
  static async running(home: Home): Promise<GtrClient | undefined> {
    const client = new GtrClient(overSocket(await socketPath(home)));
    try {
      await client.version();
      return client;
    } catch {
      await client[Symbol.asyncDispose]();
      return undefined;
    }
  }

  async version(): Promise<{ version: string; pid: number }> {
    const schema = v.object({ version: v.string(), pid: v.number() });
    return await this.#get("/v1/version", schema, AbortSignal.timeout(5000));
  }

  /** The newest refs of an address. Fetches no objects. */
  resolve(url: string, wait: Wait): Promise<RemoteState> {
    return this.#work("/v1/resolve", { url }, RemoteState, wait);
  }

  /** The same with its packs in the local store. Progress counts bytes; `what` is "3/7". */
  sync(url: string, wait: Wait, choice: SyncChoice = {}): Promise<SyncedState> {
    return this.#work("/v1/sync", { url, quiet: !wait.progress, ...choice }, SyncedState, wait);
  }

  /**
   * Fetches a repository, and keeps it up to date from now on; with `branches` (short names), only as
   * those change. Progress as for `sync`.
   */
  follow(url: string, wait: Wait, branches?: readonly string[]): Promise<RemoteState> {
    return this.#work("/v1/follow", { url, branches }, RemoteState, wait);
  }

  /** Ends that; the copy leaves the store unless it is to be kept. */
  unfollow(url: string, keep: boolean, wait: Wait): Promise<UnfollowedState> {
    return this.#work("/v1/unfollow", { url, keep }, UnfollowedState, wait);
  }

  /** The newest refs of an address, with a live peer's objects or the store's. */
  dial(request: DialRequest, wait: Wait): Promise<DialledState> {
    return this.#work("/v1/dial", request, DialledState, wait);
  }

  /** Pushes to one's own address. */
  push(request: PushRequest, wait: Wait): Promise<PushResult[]> {
    return this.#work("/v1/push", request, v.array(PushResult), wait);
  }

  /** Publishes the shared refs of a working repository as they are now. */
  publish(request: PublishRequest, wait: Wait): Promise<PublishedState> {
    return this.#work("/v1/publish", request, PublishedState, wait);
  }

  /** Stops sharing a repository of one's own, by its name. */
  withdraw(request: { name: string }, wait: Wait): Promise<PublishedState> {
    return this.#work("/v1/withdraw", request, PublishedState, wait);
  }

  /** Which peers have a commit. */
  who(request: WhoRequest, wait: Wait): Promise<WhoState> {
    return this.#work("/v1/who", request, WhoState, wait);
  }

  /** The packs that publishing would make. */
  plannedPacks(request: { gitDir: string }, wait: Wait): Promise<PlannedPack[]> {
    return this.#work("/v1/packs", request, v.array(PlannedPack), wait);
  }

  /** Brings an address up to date, and says what a bundle of it consists of. */
  bundle(url: string, wait: Wait): Promise<BundleState> {
    return this.#work("/v1/bundle/export", { url }, BundleState, wait);
  }

  /** Brings what a bundle holds into the store; `file` is an absolute path. */
  importBundle(request: { file: string }, wait: Wait): Promise<ImportedState> {
    return this.#work("/v1/bundle/import", request, ImportedState, wait);
  }

  /**
   * Has gtd use the key of a network that is in git's configuration now.
   *
   * @throws {GtrError} "locked-key" where the password is not its
   */
  async useKey(request: KeyRequest, wait: Wait): Promise<void> {
    await this.#work("/v1/key", request, v.null(), wait);
  }

  /** Why keys can't be used, by network. */
  async keyFaults(wait: Wait): Promise<KeyFaults> {
    return await this.#get("/v1/keys", KeyFaults, wait.signal);
  }

  /** One's own repositories by name: what is shared, and what was pushed. */
  async own(wait: Wait): Promise<OwnStates> {
    return await this.#get("/v1/own", OwnStates, wait.signal);
  }

  /** How gtd's networks are. */
  async health(wait: Wait): Promise<Health> {
    return await this.#get("/v1/health", Health, wait.signal);
  }

  async status(wait: Wait): Promise<Status> {
    return await this.#get("/v1/status", Status, wait.signal);
  }

  /** Asks gtd to end; returns when it has taken note. */
  async shutdown(wait: Wait): Promise<void> {
    await (await this.#send("POST", "/v1/stop", {}, wait.signal)).cancel();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#way[Symbol.asyncDispose]();
  }

  async #work<T>(
    path: string,
    request: unknown,
    schema: v.GenericSchema<unknown, T>,
    wait: Wait,
  ): Promise<T> {
    using silence = idleDeadline(SILENCE_MS, "an answer from gtd", wait.signal, "gtr daemon logs");
    const began = performance.now();
    const body = await this.#send("POST", path, request, silence.signal, wait.trace && TRACED);
    try {
      for await (const line of readLines(body, silence.signal)) {
        silence.touch();
        if (v.is(ProgressLine, line)) {
          const { done, total, what } = line.progress;
          if (what) wait.progress?.(done, total, what);
        } else if (v.is(StepLine, line)) {
          wait.trace?.(`gtd: ${line.step.what}`, performance.now() - began - line.step.ms);
        } else if (v.is(ErrorLine, line)) {
          throw errorFromBody(line.error);
        } else {
          return parsed(v.object({ result: schema }), line, path).result;
        }
      }
    } catch (error) {
      throw error instanceof Deno.errors.ConnectionReset ? gone(error) : error;
    }
    throw gone();
  }

  async #get<T>(
    path: string,
    schema: v.GenericSchema<unknown, T>,
    signal: AbortSignal,
  ): Promise<T> {
    const body = await this.#send("GET", path, undefined, signal);
    return parsed(schema, await json(body, signal), path);
  }

  /** The body of the answer, if it is no error. */
  async #send(
    method: "GET" | "POST",
    path: string,
    body: unknown,
    signal: AbortSignal,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<ReadableStream<Uint8Array>> {
    const answer = await this.#way.send({
      method,
      path,
      signal,
      headers: { "content-type": "application/json", ...headers },
      body: body === undefined ? "" : JSON.stringify(body),
    });
    if (answer.status === 200) return answer.body!;
    const told = await json(answer.body!, signal).catch(() => undefined);
    if (v.is(ErrorLine, told)) throw errorFromBody(told.error);
    throw badAnswer(`gtd answered ${answer.status} to ${path}`);
  }
}

/** The whole of a body. Its end is the connection's, so one that is no JSON was cut short. */
async function json(body: ReadableStream<Uint8Array>, signal: AbortSignal): Promise<unknown> {
  try {
    return JSON.parse((await Array.fromAsync(textsOf(body, signal))).join(""));
  } catch (error) {
    signal.throwIfAborted();
    throw gone(error);
  }
}

function parsed<T>(schema: v.GenericSchema<unknown, T>, answer: unknown, path: string): T {
  const result = v.safeParse(schema, answer);
  if (result.success) return result.output;
  throw badAnswer(`can't read gtd's answer to ${path}: ${result.issues[0].message}`);
}

function badAnswer(message: string): GtrError {
  return new GtrError("bad-answer", message, {
    hint: "gtr and gtd may be of different versions: gtr daemon stop, then try again",
  });
}

function gone(cause?: unknown): NetworkError {
  return new NetworkError("gtd-gone", "gtd ended before it answered", {
    hint: "run it again; gtr daemon logs may say why it ended",
    cause,
  });
}

function overSocket(path: string): Way {
  return {
    async send(request) {
      try {
        return await sendOverUnix(path, request);
      } catch (error) {
        request.signal.throwIfAborted();
        throw gone(error); // nobody listens
      }
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
