/**
 * One conversation with git: commands in, answers out (gitremote-helpers(7)).
 *
 * @module
 */
import { GtrError, RequestError } from "../common/errors.ts";
import type { DialledState, RemoteState, SyncedState } from "../daemon/api.ts";
import type { HelperClient } from "./client.ts";
import type { Streams } from "./connect.ts";
import type { LineReader } from "./line_reader.ts";
import { refListing } from "./list.ts";
import { type Environment, isIncomplete, localRepository } from "./local_repository.ts";
import { HelperOptions } from "./options.ts";
import type { ProgressMeter } from "./progress_meter.ts";

const CAPABILITIES = ["option", "fetch", "push", "connect", "check-connectivity", "object-format"];

/** What a session works with. */
export interface SessionParts {
  readonly url: string;
  readonly lines: LineReader;
  readonly stdout: WritableStream<Uint8Array>;
  /** One line for the person. */
  readonly warn: (message: string) => void;
  readonly env: Environment;
  readonly client: () => Promise<HelperClient>;
  readonly meter: ProgressMeter;
  readonly signal: AbortSignal;
}

/** Answers git until it hangs up. Modules that only some commands need are loaded by those. */
export class Session {
  readonly #parts: SessionParts;
  readonly #options = new HelperOptions();
  readonly #encoder = new TextEncoder();
  #state: Promise<RemoteState> | undefined;
  #synced: SyncedState | undefined;
  #listed = false;
  #warned = false;

  constructor(parts: SessionParts) {
    this.#parts = parts;
  }

  /** @throws {GtrError} where git has to stop */
  async run(): Promise<void> {
    for (;;) {
      const line = await this.#parts.lines.readLine();
      if (!line) return; // a blank line, or the end of the stream
      if (await this.#obey(line) === "taken over") return;
    }
  }

  async #obey(line: string): Promise<"taken over" | void> {
    const [command = "", rest = ""] = split(line);
    switch (command) {
      case "capabilities":
        void this.#resolve().catch(() => {}); // list or connect is next; it reports the failure
        return await this.#say(...CAPABILITIES, "");
      case "option":
        return await this.#say(this.#options.set(rest));
      case "list":
        return await this.#list(rest === "for-push");
      case "connect":
        return await this.#connect(rest);
      case "fetch":
        return await this.#fetch(await this.#batch("fetch", rest));
      case "push":
        return await this.#push(await this.#batch("push", rest));
      default:
        throw new GtrError("bad-command", `can't do what git asks: no command '${command}'`);
    }
  }

  async #list(forPush: boolean): Promise<void> {
    if (forPush) await this.#prepareForPush();
    const state = await this.#resolve();
    if (forPush) (await import("./push.ts")).refuseOthers(state);
    this.#warn(state);
    this.#listed = true;
    const { objectFormat } = this.#options;
    await this.#say(...refListing(state, { forPush, objectFormat }), "");
  }

  async #fetch(lines: string[]): Promise<void> {
    const { narrowing, cloning, refetch, checkConnectivity } = this.#options;
    if (narrowing.size > 0) {
      const asked = [...narrowing].map(([name, value]) => `${name} ${value}`).join(", ");
      throw new RequestError("whole-only", `can't fetch with ${asked}: git asked for whole packs`, {
        hint: "fetch without it, or with a git that can 'connect' to a remote helper",
      });
    }
    const [{ fetchPacks }, local] = await Promise.all([
      import("./fetch.ts"),
      localRepository(this.#parts.env),
    ]);
    const { keep, proven } = await fetchPacks(() => this.#sync(), local, {
      wanted: [...new Set(lines.map((line) => split(line)[0]))],
      everything: cloning || refetch,
      proof: checkConnectivity,
    }, this.#parts.signal);
    const answer = keep === undefined ? [] : [`lock ${keep}`];
    if (proven) answer.push("connectivity-ok");
    await this.#say(...answer, "");
  }

  async #push(lines: string[]): Promise<void> {
    const { url, env, signal } = this.#parts;
    const [{ parsePushLine, pushAnswer, pushRefs, refuseOthers }, local, state, client] =
      await Promise.all([
        import("./push.ts"),
        localRepository(env),
        this.#resolve(),
        this.#parts.client(),
      ]);
    refuseOthers(state);
    const results = await pushRefs(
      lines.map(parsePushLine),
      state,
      local,
      this.#options,
      (order) => client.push({ url, ...order }, this.#wait()),
      signal,
    );
    this.#parts.meter.done();
    await this.#say(...results.map(pushAnswer), "");
  }

  /**
   * git asks twice: before `list` and before `fetch`. upload-pack is the answer where whole packs
   * would be wrong (depth, filter, a clone that lacks objects by intent) and for an empty
   * repository, whose HEAD and object format `list` can't tell. It is a live peer's, so that only
   * what git asks for is fetched, or else the store's, once that has everything.
   */
  async #connect(service: string): Promise<"taken over" | void> {
    if (service !== "git-upload-pack") return await this.#say("fallback");
    const isPart = this.#options.narrowing.size > 0 ||
      this.#listed && await this.#isIncomplete();
    if (!isPart && Object.keys((await this.#resolve()).refs).length > 0) {
      return await this.#say("fallback");
    }
    const { protocolVersion, serveLive, serveUploadPack } = await import("./connect.ts");
    const { env, lines, stdout, signal } = this.#parts;
    const protocol = protocolVersion(env);
    const accept = async (): Promise<Streams> => {
      await this.#say("");
      return { stdin: lines.rest(), stdout };
    };
    const live = isPart && protocol === 2 ? await this.#dial() : undefined;
    if (live?.socket !== undefined) {
      await serveLive(live.socket, accept, signal);
    } else {
      const gitDir = live?.gitDir ?? (await this.#sync()).gitDir;
      await serveUploadPack(gitDir, protocol, accept, signal);
    }
    return "taken over";
  }

  async #isIncomplete(): Promise<boolean> {
    const { env } = this.#parts;
    return env("GIT_DIR") !== undefined && await isIncomplete(await localRepository(env));
  }

  /** A name of one's own that is not published yet can be pushed to. */
  async #prepareForPush(): Promise<void> {
    const { url, env, signal } = this.#parts;
    try {
      await this.#resolve();
    } catch (error) {
      const { unpublished } = await import("./push.ts");
      const local = await localRepository(env);
      this.#state = Promise.resolve(await unpublished(url, error, local, signal));
    }
  }

  #resolve(): Promise<RemoteState> {
    return this.#state ??= this.#parts.client()
      .then((client) => client.resolve(this.#parts.url, this.#wait()));
  }

  /** Undefined where nobody serves it live: packs do as well. */
  async #dial(): Promise<DialledState | undefined> {
    const client = await this.#parts.client();
    try {
      const dialled = await client.dial(this.#parts.url, this.#wait());
      this.#warn(dialled);
      return dialled;
    } catch (error) {
      if (error instanceof GtrError && error.code === "no-live-peer") return undefined;
      throw error;
    }
  }

  async #sync(): Promise<SyncedState> {
    const before = this.#synced;
    this.#synced = undefined; // good for one use: who asks again wants it newer
    if (before) return before;
    const client = await this.#parts.client();
    const synced = await client.sync(this.#parts.url, this.#wait()).catch((error) => {
      this.#parts.meter.abandon();
      throw error;
    });
    this.#parts.meter.done();
    this.#warn(synced);
    return synced;
  }

  /** Tells a person once, and only after git has said how quiet to be. */
  #warn(state: RemoteState): void {
    if (state.warning && !this.#warned && this.#options.verbosity > 0) {
      this.#parts.warn(state.warning);
      this.#warned = true;
    }
  }

  #wait() {
    const progress = (done: number, total: number, what: string) => {
      const { progress, verbosity } = this.#options;
      if (progress && verbosity > 0) this.#parts.meter.report(done, total, what);
    };
    return { signal: this.#parts.signal, progress };
  }

  /** The rest of a batch: lines of one command, ended by a blank one. */
  async #batch(command: string, first: string): Promise<string[]> {
    const batch = [first];
    for (;;) {
      const line = await this.#parts.lines.readLine();
      if (line === "") return batch;
      const [word, rest] = split(line ?? "");
      if (word !== command) {
        throw new GtrError("bad-command", `can't ${command}: git's list of refs was cut off`);
      }
      batch.push(rest);
    }
  }

  async #say(...lines: string[]): Promise<void> {
    const writer = this.#parts.stdout.getWriter();
    try {
      await writer.write(this.#encoder.encode(lines.map((line) => `${line}\n`).join("")));
    } finally {
      writer.releaseLock();
    }
  }
}

/** The first word and what follows the space behind it. */
function split(line: string): [string, string] {
  const space = line.indexOf(" ");
  return space < 0 ? [line, ""] : [line.slice(0, space), line.slice(space + 1)];
}
