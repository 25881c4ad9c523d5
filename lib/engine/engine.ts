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
import { Shares } from "../shares/shares.ts";
import { parseAddress, type RepoAddress } from "../identity/address.ts";
import { loadOrCreateKey, publisherId, verifySignature } from "../identity/keys.ts";
import { loadMachine } from "../identity/machine.ts";
import { Names } from "../identity/names.ts";
import { Registry } from "../identity/registry.ts";
import { askRegistry } from "../identity/registry_fetch.ts";
import { type Directory, resolveAddress } from "../identity/resolve_address.ts";
import { type Follow, Follows } from "../store/follows.ts";
import { RefusedList } from "../store/refused.ts";
import { Store } from "../store/store.ts";
import type { StoredRepository } from "../store/stored_repository.ts";
import type { ForeignState } from "../ports/naming.ts";
import type { Network, NetworkContext } from "../ports/network.ts";
import { Bitmaps } from "./keep/bitmaps.ts";
import { followRepository, maySeed, type Unfollowed, unfollowRepository } from "./follow/follow.ts";
import { locate, locatePublished } from "./fetch/locate.ts";
import { type Dialled, dialLive } from "./live/dial.ts";
import { liveAnswer } from "./live/answer.ts";
import { openNetworks } from "./networks.ts";
import { answerTimeout, changeRepository, type EngineParts } from "./parts.ts";
import { repositoryKey } from "./user_parts.ts";
import { catchUpWithMachines, divergences } from "./follow/own_machines.ts";
import { ownAddresses, type PublishOutcome } from "./publish/publish.ts";
import { type PublishOptions, publishShared } from "./publish/publish_shared.ts";
import type { PushRequest, PushResult } from "./publish/push.ts";
import { pushOwn } from "./publish/push_own.ts";
import { manifestOpener, rememberVerified } from "./open_manifest.ts";
import { Passwords } from "./passwords.ts";
import { Quota } from "./keep/quota.ts";
import { type Resolved, resolveNewest } from "./fetch/resolve.ts";
import { Seeder } from "./keep/seeder.ts";
import { type Synced, type SyncOptions, syncRepository } from "./fetch/sync.ts";
import { withdrawNamed } from "./publish/withdraw.ts";
import { type CommitFound, whoHas } from "./who.ts";

export type { PublishOutcome };

/** What {@linkcode Engine.open} is made from. */
export interface EngineOptions {
  readonly home: Home;
  readonly settings: Settings;
  /** The networks that were built in. */
  readonly networks: readonly Network[];
  readonly log: (message: string) => void;
  /** See {@linkcode NetworkContext.gateways}. */
  readonly gateways?: NetworkContext["gateways"];
  /** Where they outlive this engine. */
  readonly passwords?: Passwords;
}

/** How one of one's own repositories is published. */
export interface OwnState {
  /** Network -> address. */
  readonly addresses: Readonly<Record<string, string>>;
  /** What keeps it from being published as it is, one line each. */
  readonly hindrances: readonly string[];
}

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
    const registry = new Registry({ path, ask: askRegistry, timeoutMs: answerTimeout(parts) });
    this.#directory = {
      names: new Names(names),
      registry,
      locate: (address, signal) => locatePublished(parts, address, { signal }),
    };
  }

  /**
   * Makes the home and the key if they don't exist, repairs what a crash left in the store, and
   * joins the networks; see {@linkcode openNetworks}.
   */
  static async open(options: EngineOptions, wait: Wait): Promise<Engine> {
    const { home, settings, log, passwords = new Passwords() } = options;
    await home.ensure();
    const key = await loadOrCreateKey(home.identity);
    const machine = await loadMachine(home.root);
    const dropped = new Counters();
    const verify = rememberVerified(verifySignature);
    const store = new Store(home, verify);
    for (const error of await store.repair()) log(error.message);
    await removeLeftovers(home.root, /\.tmp$/);
    await removeLeftovers(join(home.root, "cache"), /^plan-/);
    const given = { home, settings, key, machine, passwords, store, dropped, log };
    const follows = new Follows(home);
    const isOffered = (stored: StoredRepository) => maySeed({ ...given, follows }, stored);
    const { networks, unopened } = await openNetworks(options.networks, {
      ...given,
      gateways: options.gateways,
      openManifest: manifestOpener(verify),
      live: (role) => liveAnswer({ store, key }, isOffered, role === "server"),
    }, wait);
    const bitmaps = new Bitmaps({ ...given, follows });
    const seeder = new Seeder(networks, settings, log, isOffered, bitmaps);
    const quota = new Quota({ ...given, follows, seeder });
    const refused = new RefusedList(home);
    const opened = { ...given, follows, networks, unopened, seeder, quota, refused };
    return new Engine({ ...opened, changes: new Mutex() });
  }

  /** Offers everything in the store to the networks: what gtd does at its start. */
  async seedAll(): Promise<void> {
    await this.#each("seed", async (repository) => void await this.parts.seeder.offer(repository));
  }

  /** Deletes replaced packs whose grace has passed, and what was fetched of packs long ago. */
  async dropRetiredPacks(wait: Wait): Promise<void> {
    const seconds = this.parts.settings.get("publish.grace") * 3600;
    await this.#each("tidy", async (repository) => {
      await repository.dropGivenUp();
      if ((await repository.state()).retired.length === 0) return;
      await changeRepository(
        this.parts,
        repository,
        wait,
        () => repository.dropRetired(seconds),
      );
      await this.parts.seeder.update(repository);
    });
  }

  /** What any form of address stands for. */
  async address(url: string, wait: Wait): Promise<RepoAddress> {
    return (await resolveAddress(url, this.#directory, wait.signal)).address;
  }

  /** The newest manifest of any address; see {@linkcode resolveNewest}. */
  async resolve(url: string, wait: Wait): Promise<Resolved> {
    return await this.#at(url, wait, (address) => resolveNewest(this.parts, address, wait));
  }

  /** The same, or the state of a repository that is published without gtr. */
  async find(
    url: string,
    wait: Wait,
  ): Promise<Resolved | { readonly foreign: ForeignState; readonly warning?: string }> {
    const form = parseAddress(url);
    if (!("url" in form)) return await this.resolve(url, wait);
    const located = await locate(this.parts, form, wait);
    if ("foreign" in located) return located;
    return withWarning(await resolveNewest(this.parts, located.address, wait), located.warning);
  }

  /** The newest state with a live stream of it, or with the store if that has it whole. */
  async dial(url: string, wait: Wait, known?: Resolved): Promise<Dialled> {
    return await this.#at(url, wait, (address) => dialLive(this.parts, address, wait, known));
  }

  /**
   * Brings the repository into the store; overlapping calls for one address are one download. Who
   * knows of a newer publication than another that still fetches isn't given that one's.
   */
  async sync(
    url: string,
    wait: Wait,
    options: Pick<SyncOptions, "known" | "orOlder" | "unattended"> = {},
  ): Promise<Synced> {
    const { known, orOlder, unattended } = options;
    const which = (known ? ` ${known.signed.manifest.sequence}` : "") +
      (orOlder ? " or older" : "") + (unattended ? " unattended" : "");
    return await this.#at(url, wait, (address) =>
      this.#syncs.run(
        repositoryKey(address.id, address.name) + which,
        (shared) => syncRepository(this.parts, address, shared, options),
        wait,
      ));
  }

  /** Keeps a repository up to date from now on; see {@linkcode followRepository}. */
  async follow(url: string, wait: Wait, branches?: readonly string[]): Promise<Synced> {
    return await this.#at(
      url,
      wait,
      (address) => followRepository(this.parts, address, wait, branches),
    );
  }

  /** Ends that; see {@linkcode unfollowRepository}. */
  async unfollow(url: string, keep: boolean, wait: Wait): Promise<Unfollowed> {
    return await this.#at(url, wait, (address): Promise<Unfollowed> => {
      // Not after: it holds the repository's lock as long as packs come.
      this.#updates.get(repositoryKey(address.id, address.name))?.abort(
        new RequestError("not-followed", `can't update ${address.name}: it is no longer followed`),
      );
      return unfollowRepository(this.parts, address, keep, wait);
    });
  }

  /** Fetches what is new of a followed repository, if it is about the branches that are followed. */
  async update({ scheme, publisher, name }: Follow, wait: Wait): Promise<Synced> {
    const id = publisherId(Uint8Array.fromHex(publisher));
    const key = repositoryKey(id, name);
    const ending = new AbortController();
    this.#updates.set(key, ending);
    try {
      const follow = await this.parts.follows.find({ publisher, name });
      if (!follow) {
        throw new RequestError("not-followed", `can't update ${name}: it is not followed`);
      }
      const { branches } = follow;
      const address = { scheme, id, publicKey: publisher, name };
      return await this.#syncs.run(
        // A clone meanwhile wants everything, and must not be given what this one is content with.
        `${key} ${branches ? "by its branches" : "unattended"}`,
        (shared) =>
          syncRepository(this.parts, address, shared, {
            purpose: "follow",
            branches,
            unattended: true,
          }),
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
  async publish(
    gitDir: string,
    wait: Wait,
    options: PublishOptions = {},
  ): Promise<PublishOutcome> {
    try {
      const outcome = await publishShared(this.parts, gitDir, wait, options);
      this.#hindrances.set(gitDir, [...outcome.warnings, ...outcome.diverged]);
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
    const { unopened = [] } = this.parts;
    return [
      ...unopened.map((why) => `not published on ${why}`),
      ...Object.entries(await this.ownStates()).flatMap(([name, { hindrances }]) =>
        hindrances.map((why) => `${name}: ${why}`)
      ),
    ];
  }

  /** The same for each of one's own repositories, by name, with its addresses. */
  async ownStates(): Promise<Record<string, OwnState>> {
    const found = new Map<string, Set<string>>();
    const add = (name: string, lines: readonly string[]) =>
      found.set(name, new Set([...found.get(name) ?? [], ...lines]));
    for (const { gitDir, name } of await new Shares(this.parts.home).list()) {
      add(name, this.#hindrances.get(gitDir) ?? []);
    }
    for (const repository of await this.own()) {
      const state = await repository.state().catch(() => undefined); // damaged: the store's check says so
      add(repository.name, state ? divergences(this.parts, repository.name, state) : []);
    }
    return Object.fromEntries(
      [...found].map(([name, lines]) => [
        name,
        { addresses: ownAddresses(this.parts, name), hindrances: [...lines] },
      ]),
    );
  }

  /** Takes over what other machines of this user have published of one of his repositories. */
  async catchUp(name: string, wait: Wait): Promise<boolean> {
    return await catchUpWithMachines(this.parts, name, wait);
  }

  /** The repositories in the store that this user publishes. */
  async own(): Promise<StoredRepository[]> {
    const all = await this.parts.store.repositories();
    return all.filter(({ publisher }) => publisher === this.parts.key.publicKeyHex);
  }

  /** Takes a push to one's own address. */
  async push(url: string, request: PushRequest, wait: Wait): Promise<PushResult[]> {
    const { address } = await resolveAddress(url, this.#directory, wait.signal);
    return await pushOwn(this.parts, address, request, wait);
  }

  /** Takes a repository of one's own out of the store and off the networks. */
  async withdraw(name: string, wait: Wait): Promise<PublishOutcome> {
    return await withdrawNamed(this.parts, name, wait);
  }

  /**
   * Uses another key on a network, or another password for it. Publishing again what is shared is the
   * caller's: the key may be part of it.
   *
   * @throws {RequestError} "locked-key" if that is not its password, which then isn't kept
   */
  async useKey(scheme: string, password: string | undefined, wait: Wait): Promise<void> {
    const { passwords, networks } = this.parts;
    const before = passwords.given(scheme);
    passwords.set(scheme, password);
    try {
      await networks.find((network) => network.scheme === scheme)?.account?.use(wait);
    } catch (error) {
      if (toGtrError(error).code === "locked-key") passwords.set(scheme, before);
      throw error;
    }
  }

  /** Which peers have a commit, of one repository or of any; see {@linkcode whoHas}. */
  async who(
    commit: string,
    url: string | undefined,
    wait: Wait,
  ): Promise<CommitFound> {
    const find = async (only?: RepoAddress): Promise<CommitFound> => ({
      repositories: await whoHas(this.parts, commit, only, wait),
    });
    return url === undefined ? await find() : await this.#at(url, wait, find);
  }

  /** Aborts when the engine ends. */
  get stopping(): AbortSignal {
    return this.#stop.signal;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new GtrError("stopping", "gtd is stopping"));
    await this.parts.seeder[Symbol.asyncDispose]();
    await Promise.allSettled(this.parts.networks.map((network) => network[Symbol.asyncDispose]()));
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
    return withWarning(await work(address), warning);
  }
}

function withWarning<T extends { readonly warning?: string }>(done: T, warning?: string): T {
  if (warning === undefined) return done;
  return { ...done, warning: done.warning ? `${warning}; ${done.warning}` : warning };
}
