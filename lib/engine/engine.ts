/**
 * The store joined to the networks: everything that gtd can do, without the socket.
 *
 * @module
 */
import { join } from "node:path";
import { Coalesce } from "../common/coalesce.ts";
import { Counters } from "../common/counters.ts";
import { GtrError, RequestError, toGtrError } from "../common/errors.ts";
import type { Home } from "../common/home.ts";
import { removeLeftovers } from "../common/leftovers.ts";
import { Mutex } from "../common/mutex.ts";
import type { Settings } from "../common/settings.ts";
import type { Wait } from "../common/wait.ts";
import { readRepositorySettings } from "../exporter/repository_settings.ts";
import { Shares } from "../exporter/shares.ts";
import { type Directory, type RepoAddress, resolveAddress } from "../identity/address.ts";
import { loadOrCreateKey, publisherId } from "../identity/keys.ts";
import { Names } from "../identity/names.ts";
import { Registry } from "../identity/registry.ts";
import { askRegistry } from "../identity/registry_fetch.ts";
import { type Follow, Follows } from "../store/follows.ts";
import { Store } from "../store/store.ts";
import type { StoredRepository } from "../store/stored_repository.ts";
import type { Transport, TransportEntry } from "../transports/transport.ts";
import { type Dialled, dialLive } from "./live.ts";
import { liveAnswer } from "./live_answer.ts";
import { followRepository, maySeed, type Unfollowed, unfollowRepository } from "./follow.ts";
import { answerTimeout, changeRepository, type EngineParts, repositoryKey } from "./parts.ts";
import { ownAddresses, publishedManifest, publishState } from "./publish.ts";
import { applyPush, type PushRequest, type PushResult, refuseForeignPush } from "./push.ts";
import { Quota } from "./quota.ts";
import { type Resolved, resolveNewest } from "./resolve.ts";
import { Seeder } from "./seeder.ts";
import { type Synced, syncRepository } from "./sync.ts";
import { joinPublished, readSharedState } from "./working_repository.ts";

/** What {@linkcode Engine.open} is made from. */
export interface EngineOptions {
  readonly home: Home;
  readonly settings: Settings;
  /** The networks that were built in. */
  readonly transports: readonly TransportEntry[];
  readonly log: (message: string) => void;
}

/** What publishing a working repository came to. */
export interface PublishOutcome {
  readonly addresses: Record<string, string>;
  readonly sequence: number;
  readonly changed: boolean;
  readonly warnings: readonly string[];
}

/** What is left where nothing is shared any more. */
const NOTHING_SHARED: PublishOutcome = {
  addresses: {},
  sequence: 0,
  changed: false,
  warnings: [],
};

/** One user's node. */
export class Engine implements AsyncDisposable {
  readonly parts: EngineParts;
  readonly #directory: Directory;
  readonly #stop = new AbortController();
  readonly #syncs = new Coalesce<Synced>();
  /** Repository -> ends its update. */
  readonly #updates = new Map<string, AbortController>();
  /** What was last in the way of publishing, by git directory. */
  readonly #hindrances = new Map<string, readonly string[]>();

  private constructor(parts: EngineParts) {
    this.parts = parts;
    const { names, registry: path } = parts.home;
    const registry = new Registry({ path, ask: askRegistry, timeout: answerTimeout(parts) });
    this.#directory = { names: new Names(names), registry };
  }

  /**
   * Makes the home and the key where they don't exist, repairs what a crash left in the store, and
   * joins the networks. A network that can't be opened is left out, unless no other gives this
   * node's repositories an address.
   */
  static async open(options: EngineOptions, wait: Wait): Promise<Engine> {
    const { home, settings, log } = options;
    await home.ensure();
    const key = await loadOrCreateKey(home.identity);
    const dropped = new Counters();
    const store = new Store(home);
    for (const error of await store.repair()) log(error.message);
    await removeLeftovers(home.root, /\.tmp$/);
    await removeLeftovers(join(home.root, "cache"), /^plan-/);
    const open = async (entry: TransportEntry) => {
      const cache = join(home.root, "cache", entry.scheme);
      await Deno.mkdir(cache, { recursive: true });
      return entry.open({
        settings,
        cache,
        key,
        log,
        dropped: (reason) => dropped.add(`${entry.scheme}/${reason}`),
      }, wait);
    };
    const chosen = settings.get("transports");
    const entries = options.transports.filter(({ scheme }) => chosen?.includes(scheme) ?? true);
    for (const scheme of chosen ?? []) {
      const known = entries.some((entry) => entry.scheme === scheme);
      if (!known) log(`this gtr has no network called ${scheme}`);
    }
    const opened = await Promise.allSettled(entries.map(open));
    const transports: Transport[] = [];
    let failure: GtrError | undefined;
    opened.forEach((result, i) => {
      if (result.status === "fulfilled") return transports.push(result.value);
      failure = toGtrError(result.reason);
      log(`can't open ${entries[i]!.scheme}: ${failure.message}`);
    });
    // One on which nobody can reach this node is no stand-in: what it publishes had no address.
    if (failure && !transports.some((t) => !t.host || t.host() !== undefined)) {
      await Promise.allSettled(transports.map((transport) => transport[Symbol.asyncDispose]()));
      throw failure;
    }
    const follows = new Follows(home);
    const given = { home, settings, key, store, follows, transports, dropped, log };
    const isOffered = (stored: StoredRepository) => maySeed(given, stored);
    for (const transport of transports) transport.serve?.(liveAnswer(store, isOffered));
    const seeder = new Seeder(transports, settings, log, isOffered);
    const quota = new Quota({ ...given, seeder });
    return new Engine({ ...given, seeder, quota, changes: new Mutex() });
  }

  /** Offers everything in the store to the networks: what gtd does at its start. */
  async seedAll(): Promise<void> {
    await this.#each("seed", async (repository) => void await this.parts.seeder.offer(repository));
  }

  /** Deletes replaced packs whose grace has passed. */
  async dropRetiredPacks(wait: Wait): Promise<void> {
    const seconds = this.parts.settings.get("publish.grace") * 3600;
    await this.#each("tidy", async (repository) => {
      if ((await repository.state()).retired.length === 0) return;
      await this.#change(repository, wait, () => repository.dropRetired(seconds));
      await this.parts.seeder.update(repository);
    });
  }

  /** The newest manifest of any address; see {@linkcode resolveNewest}. */
  async resolve(url: string, wait: Wait): Promise<Resolved> {
    return await this.#at(url, wait, (address) => resolveNewest(this.parts, address, wait));
  }

  /** The newest state with a live stream of it, or with the store where that has it whole. */
  async dial(url: string, wait: Wait): Promise<Dialled> {
    return await this.#at(url, wait, (address) => dialLive(this.parts, address, wait));
  }

  /** Brings the repository into the store; overlapping calls for one address are one download. */
  async sync(url: string, wait: Wait): Promise<Synced> {
    return await this.#at(url, wait, (address) =>
      this.#syncs.run(
        repositoryKey(address.id, address.name),
        (shared) => syncRepository(this.parts, address, shared),
        wait,
      ));
  }

  /** Keeps a repository up to date from now on; see {@linkcode followRepository}. */
  async follow(url: string, wait: Wait): Promise<Synced> {
    return await this.#at(url, wait, (address) => followRepository(this.parts, address, wait));
  }

  /** Ends that; see {@linkcode unfollowRepository}. */
  async unfollow(url: string, keep: boolean, wait: Wait): Promise<Unfollowed> {
    const { address } = await resolveAddress(url, this.#directory, wait.signal);
    // Not after: it holds the repository's lock as long as packs come.
    this.#updates.get(repositoryKey(address.id, address.name))?.abort(
      new RequestError("not-followed", `can't update ${address.name}: it is no longer followed`),
    );
    return await unfollowRepository(this.parts, address, keep, wait);
  }

  /** Fetches what is new of a followed repository. */
  async update({ scheme, publisher, name }: Follow, wait: Wait): Promise<Synced> {
    const id = publisherId(Uint8Array.fromHex(publisher));
    const key = repositoryKey(id, name);
    const ending = new AbortController();
    this.#updates.set(key, ending);
    try {
      if (!await this.parts.follows.has({ publisher, name })) {
        throw new RequestError("not-followed", `can't update ${name}: it is not followed`);
      }
      return await this.#syncs.run(
        key,
        (shared) =>
          syncRepository(this.parts, { scheme, id, publicKey: publisher, name }, shared, "follow"),
        { ...wait, signal: AbortSignal.any([wait.signal, ending.signal]) },
      );
    } finally {
      if (this.#updates.get(key) === ending) this.#updates.delete(key);
    }
  }

  /**
   * Publishes what the working repository shares now. One that shares nothing any more leaves the
   * store and the networks.
   */
  async publish(gitDir: string, wait: Wait): Promise<PublishOutcome> {
    try {
      const outcome = await this.#publish(gitDir, wait);
      this.#hindrances.set(gitDir, outcome.warnings);
      return outcome;
    } catch (error) {
      if (!wait.signal.aborted) this.#hindrances.set(gitDir, [toGtrError(error).message]);
      throw error;
    }
  }

  /**
   * What keeps the repositories that are shared now from being published as they are, one line each:
   * nobody watches when gtd publishes on its own.
   */
  async hindrances(): Promise<string[]> {
    const shares = await new Shares(this.parts.home).list();
    return shares.flatMap(({ gitDir, name }) =>
      (this.#hindrances.get(gitDir) ?? []).map((why) => `${name}: ${why}`)
    );
  }

  async #publish(gitDir: string, wait: Wait): Promise<PublishOutcome> {
    if (await sharesNothing(this.parts.home, gitDir)) return await this.#withdraw(gitDir, wait);
    const state = await readSharedState(gitDir, wait.signal);
    const { name, description } = state.settings;
    const repository = this.parts.store.repository(this.parts.key.publicKeyHex, name);
    const { signed, changed, warnings } = await this.#change(repository, wait, async () => {
      const published = await publishedManifest(repository, state.objectFormat);
      const joined = await joinPublished(state, gitDir, repository, published, wait.signal);
      const outcome = await publishState(this.parts, repository, {
        refs: joined.refs,
        head: state.head,
        objectFormat: state.objectFormat,
        description,
        objectDirs: state.objectDirs,
        fromScratch: joined.unshared,
      }, wait);
      await repository.writeState({
        role: "published",
        sources: { [gitDir]: joined.seen },
      });
      return { ...outcome, warnings: joined.warnings };
    });
    const failures = changed ? await this.parts.seeder.offer(repository) : [];
    return {
      addresses: ownAddresses(this.parts, name),
      sequence: signed.manifest.sequence,
      changed,
      warnings: [...warnings, ...failures.map((why) => `not announced on ${why}`)],
    };
  }

  /** Takes a push to one's own address. */
  async push(url: string, request: PushRequest, wait: Wait): Promise<PushResult[]> {
    const { address } = await resolveAddress(url, this.#directory, wait.signal);
    refuseForeignPush(this.parts, address);
    const repository = this.parts.store.repository(this.parts.key.publicKeyHex, address.name);
    // Published from another machine, or before the store was lost: go on from there.
    if (!await repository.exists()) {
      await syncRepository(this.parts, address, wait).catch((error) => {
        if (!(error instanceof RequestError) || error.code !== "not-published") throw error;
      });
    }
    const { results, changed } = await this.#change(repository, wait, async () => {
      const now = await publishedManifest(repository, request.objectFormat);
      const { results, refs, head } = await applyPush(request, {
        refs: now?.refs ?? {},
        head: now?.head,
        gitDir: repository.path,
      }, wait);
      if (!results.some(({ ok }) => ok)) return { results, changed: false };
      const { changed } = await publishState(this.parts, repository, {
        refs,
        head,
        objectFormat: request.objectFormat,
        objectDirs: request.objectDirs,
      }, wait);
      if (changed) await repository.writeState({ role: "published" });
      return { results, changed };
    });
    if (changed) await this.parts.seeder.offer(repository);
    return results;
  }

  /** Aborts when the engine ends. */
  get stopping(): AbortSignal {
    return this.#stop.signal;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new GtrError("stopping", "gtd is stopping"));
    await this.parts.seeder[Symbol.asyncDispose]();
    await Promise.allSettled(this.parts.transports.map((t) => t[Symbol.asyncDispose]()));
  }

  /**
   * Takes a repository of one's own out of the store and off the networks, also one that was made by
   * pushing.
   */
  async withdraw(name: string, wait: Wait): Promise<PublishOutcome> {
    const repository = this.parts.store.repository(this.parts.key.publicKeyHex, name);
    if (!await repository.exists()) return NOTHING_SHARED;
    return await this.#withdrawOne(repository, wait);
  }

  /** The same for what was published from `gitDir`. */
  async #withdraw(gitDir: string, wait: Wait): Promise<PublishOutcome> {
    let outcome = NOTHING_SHARED;
    for (const repository of await this.parts.store.repositories()) {
      if (repository.publisher !== this.parts.key.publicKeyHex) continue;
      if (!(gitDir in (await repository.state()).sources)) continue;
      outcome = await this.#withdrawOne(repository, wait);
    }
    return outcome;
  }

  async #withdrawOne(repository: StoredRepository, wait: Wait): Promise<PublishOutcome> {
    // Others pass on the newest state they have seen: the last one says that nothing is shared.
    const last = await this.#change(repository, wait, async () => {
      const now = (await repository.usableManifest())?.manifest;
      if (!now) return undefined;
      const { head, objectFormat } = now;
      const nothing = { refs: {}, head, objectFormat, objectDirs: [], fromScratch: true };
      return (await publishState(this.parts, repository, nothing, wait)).signed.manifest;
    });
    const failures = last ? await this.parts.seeder.offer(repository) : [];
    await this.#change(repository, wait, () => repository.purge());
    // Last: an offer that was on its way finds nothing any more.
    await this.parts.seeder.forget(repository, last);
    this.parts.log(`stopped sharing ${repository.name}`);
    const warnings = failures.map((why) => `others are not told that it is gone, on ${why}`);
    return { ...NOTHING_SHARED, changed: true, warnings };
  }

  /** What fails for one repository is logged and keeps nothing from the others. */
  async #each(what: string, work: (repository: StoredRepository) => Promise<void>): Promise<void> {
    for (const repository of await this.parts.store.repositories()) {
      try {
        await work(repository);
      } catch (error) {
        this.parts.log(`can't ${what} ${repository.name}: ${toGtrError(error).message}`);
      }
    }
  }

  /** Does something with the repository at `url`, and says with it what is doubtful about the name. */
  async #at<T extends { readonly warning?: string }>(
    url: string,
    wait: Wait,
    work: (address: RepoAddress) => Promise<T>,
  ): Promise<T> {
    const { address, warning } = await resolveAddress(url, this.#directory, wait.signal);
    const done = await work(address);
    if (warning === undefined) return done;
    return { ...done, warning: done.warning ? `${warning}; ${done.warning}` : warning };
  }

  #change<T>(repository: StoredRepository, wait: Wait, work: () => Promise<T>): Promise<T> {
    return changeRepository(this.parts, repository, wait, work);
  }
}

/** Whether the last branch was taken out of sharing, or the folder is off the list altogether. */
async function sharesNothing(home: Home, gitDir: string): Promise<boolean> {
  const settings = await readRepositorySettings(gitDir);
  if (settings) return settings.branches.length === 0;
  return (await new Shares(home).list()).every((share) => share.gitDir !== gitDir);
}
