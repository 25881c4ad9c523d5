/**
 * One conversation with git: commands in, answers out (gitremote-helpers(7)).
 *
 * @module
 */
import { GtrError } from "../common/errors.ts";
import type { Trace, Wait } from "../common/wait.ts";
import type { DialledState, RemoteState, SyncedState } from "../daemon/api.ts";
import type { HelperClient } from "./client.ts";
import type { Fetched } from "./fetch.ts";
import type { LineReader } from "./line_reader.ts";
import { refListing } from "./list.ts";
import {
  type Environment,
  isBeingCloned,
  isIncomplete,
  type LocalRepository,
  localRepository,
} from "./local_repository.ts";
import { HelperOptions } from "./options.ts";
import type { ProgressMeter } from "./progress_meter.ts";

const CAPABILITIES = ["option", "fetch", "push", "connect", "check-connectivity", "object-format"];

/** Codes of errors: gtd spends no more on what git may not want. */
const TOO_MUCH = ["over-budget", "refused-pack"];

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
  readonly trace?: Trace;
  readonly signal: AbortSignal;
}

/** Answers git until it hangs up. Modules that only some commands need are loaded by those. */
export class Session {
  readonly #parts: SessionParts;
  readonly #options = new HelperOptions();
  readonly #encoder = new TextEncoder();
  #state: Promise<RemoteState> | undefined;
  #synced: SyncedState | undefined;
  /** Whether the store was asked to catch up with what was resolved. */
  #hasSynced = false;
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
    this.#parts.trace?.(`git says: ${line}`);
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
    let state = await this.#resolve();
    if (forPush) (await import("./push.ts")).refuseOthers(state);
    else if (await this.#isToFill(state)) state = await this.#fetchAhead();
    this.#warn(state);
    const { objectFormat } = this.#options;
    await this.#say(...refListing(state, { forPush, objectFormat }), "");
  }

  /** Whether all of it will be fetched, by a clone: who only lists refs must not have to wait for it. */
  async #isToFill({ refs, servers, own, packBytes }: RemoteState): Promise<boolean> {
    const { env } = this.#parts;
    if (servers || own || this.#options.narrows || !env("GIT_DIR")) return false;
    if (Object.keys(refs).length === 0) return false;
    if (!await isBeingCloned(await localRepository(env))) return false;
    const { isSmallPart } = await import("./fetch_part.ts");
    return !isSmallPart({ refs, packBytes }, () => false);
  }

  /** Fetches before refs are listed: where nobody online has the newest, those before it are told. */
  async #fetchAhead(): Promise<RemoteState> {
    const synced = await this.#sync(true).catch((error) => {
      // What takes much is fetched once git asks for it.
      if (!TOO_MUCH.includes((error as GtrError).code)) throw error;
      this.#parts.meter.abandon();
    });
    if (!synced) return await this.#resolve();
    this.#warn(synced, false); // scripts clone quietly, and it isn't what they asked for
    this.#synced = synced;
    this.#state = Promise.resolve(synced);
    return synced;
  }

  async #fetch(lines: string[]): Promise<void> {
    const local = await localRepository(this.#parts.env);
    const wanted = [...new Set(lines.map((line) => split(line)[0]))];
    const { keep, proven } = await this.#fetchForeign(wanted, local) ??
      await this.#fetchPart(wanted, local) ??
      await this.#fetchWhole(wanted, local);
    this.#parts.trace?.(keep === undefined ? "nothing to link" : "packs linked");
    const answer = keep === undefined ? [] : [`lock ${keep}`];
    if (proven) answer.push("connectivity-ok");
    await this.#say(...answer, "");
  }

  /** Undefined where the repository is published with gtr, as most are. */
  async #fetchForeign(wanted: string[], local: LocalRepository): Promise<Fetched | undefined> {
    const { signal, env, meter } = this.#parts;
    const { address, servers } = await this.#resolve();
    if (servers === undefined) return undefined;
    const { fetchForeign } = await import("./fetch_foreign.ts");
    const request = { wanted, options: this.#options, env, progress: meter.report };
    await fetchForeign({ address, servers }, local, request, signal);
    meter.done();
    return { proven: false };
  }

  async #fetchWhole(wanted: string[], local: LocalRepository): Promise<Fetched> {
    const { fetchPacks } = await import("./fetch.ts");
    const { cloning, refetch, checkConnectivity } = this.#options;
    return await fetchPacks(() => this.#sync(), local, {
      wanted,
      everything: cloning || refetch,
      proof: checkConnectivity,
    }, this.#parts.signal);
  }

  /** Undefined where whole packs are what git wants, or nobody serves a part of a large repository. */
  async #fetchPart(wanted: string[], local: LocalRepository): Promise<Fetched | undefined> {
    const { signal, env, meter } = this.#parts;
    const state = await this.#resolve();
    const must = this.#options.narrows || await isIncomplete(local);
    const { bringsOtherTags, fetchPart, wantsSmallPart } = await import("./fetch_part.ts");
    const isSmall = must || await wantsSmallPart(state, local, wanted, signal);
    const isChosen = must || await bringsOtherTags(state, local, wanted, signal);
    if (!isSmall && !isChosen) return undefined;
    const sources = {
      // What is not large is brought into the store, and git chooses there.
      dial: () => isSmall ? this.#dial(state.sequence) : Promise.resolve(undefined),
      sync: isChosen ? () => this.#sync() : undefined,
      failed: ({ message }: GtrError) => {
        meter.abandon();
        if (this.#options.verbosity > 0) this.#parts.warn(`${message}; trying another way`);
      },
    };
    const request = { wanted, options: this.#options, env, progress: meter.report };
    const fetched = await fetchPart(sources, local, request, signal);
    if (fetched && this.#options.deepens && this.#options.followTags) {
      await (await import("./deepened_tags.ts")).addDeepenedTags(state, local, signal);
    }
    meter.done();
    return fetched;
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
    for (const result of this.#options.verbosity > 0 ? results : []) {
      for (const warning of result.ok ? result.warnings ?? [] : []) this.#parts.warn(warning);
    }
    await this.#say(...results.map(pushAnswer), "");
  }

  /**
   * upload-pack is the answer only for an empty repository, whose HEAD and object format `list`
   * can't tell. All else is `fetch`'s: once git itself is in charge of a stream, it can't be
   * replaced by another where it breaks.
   */
  async #connect(service: string): Promise<"taken over" | void> {
    if (service !== "git-upload-pack") return await this.#say("fallback");
    const { refs, servers } = await this.#resolve();
    if (servers || Object.keys(refs).length > 0) return await this.#say("fallback");
    const { protocolVersion, serveUploadPack } = await import("./connect.ts");
    const { env, lines, stdout, signal } = this.#parts;
    const { gitDir } = await this.#sync();
    const accept = async () => {
      await this.#say("");
      return { stdin: lines.rest(), stdout };
    };
    await serveUploadPack(gitDir, protocolVersion(env), accept, signal);
    return "taken over";
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
      .then((client) => client.resolve({ url: this.#parts.url }, this.#wait()));
  }

  /** Undefined where nobody serves it live: packs do as well. */
  async #dial(sequence: number): Promise<DialledState | undefined> {
    const client = await this.#parts.client();
    try {
      const dialled = await client.dial({ url: this.#parts.url, sequence }, this.#wait());
      this.#warn(dialled);
      return dialled;
    } catch (error) {
      if (error instanceof GtrError && error.code === "no-live-peer") return undefined;
      throw error;
    }
  }

  async #sync(ahead?: boolean): Promise<SyncedState> {
    const before = this.#synced;
    this.#synced = undefined; // good for one use: who asks again wants it newer
    if (before) return before;
    const [client, { sequence }] = await Promise.all([this.#parts.client(), this.#resolve()]);
    const { url } = this.#parts;
    const choice = this.#hasSynced ? {} : { sequence, orOlder: ahead, ahead };
    this.#hasSynced = true;
    const synced = await client.sync({ url, ...choice }, this.#wait());
    this.#parts.meter.done();
    this.#parts.trace?.("the store has it");
    this.#warn(synced);
    return synced;
  }

  /** Tells a person once, and only after git has said how quiet to be. */
  #warn(state: RemoteState, quiet = this.#options.verbosity === 0): void {
    if (state.warning && !this.#warned && !quiet) {
      this.#parts.warn(state.warning);
      this.#warned = true;
    }
  }

  /** Progress only where it is shown: a peer's costs more bytes than a small fetch itself. */
  #wait(): Wait {
    const { signal, meter, trace } = this.#parts;
    const { progress, verbosity } = this.#options;
    return { signal, trace, ...(progress && verbosity > 0 ? { progress: meter.report } : {}) };
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
