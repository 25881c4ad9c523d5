/**
 * The engine at work: it publishes what changes, and can be opened anew with other settings.
 *
 * @module
 */
import { toGtrError } from "../common/errors.ts";
import type { Home } from "../common/home.ts";
import { Settings } from "../common/settings.ts";
import { deadline, sleep } from "../common/wait.ts";
import { Engine } from "../engine/engine.ts";
import type { PublishOptions } from "../engine/publish/publish_shared.ts";
import { Passwords } from "../engine/passwords.ts";
import { Shares } from "../shares/shares.ts";
import { checkGit } from "../git_interface/version.ts";
import { defaultGateways } from "../git_interface/default_gateways.ts";
import { ALL_NETWORKS } from "../transports/all.ts";
import { acknowledgePublication } from "./acknowledge.ts";
import { Follower } from "./follower.ts";
import { onWaking } from "./waking.ts";
import { RefWatcher } from "./watcher.ts";

const OPEN_MS = 30_000;
const PUBLISH_MS = 3_600_000;
const CLEAN_EVERY_MS = 600_000;

/** What gtd does, apart from answering requests. */
export class Service {
  readonly #home: Home;
  readonly #log: (message: string) => void;
  readonly #stopping: AbortSignal;
  readonly #watcher: RefWatcher;
  readonly #passwords = new Passwords();
  #settings: Settings;
  #engine: Promise<Engine>;
  #follower?: Follower;
  #waking?: Disposable;

  /** Begins to open the engine. */
  constructor(
    home: Home,
    settings: Settings,
    log: (message: string) => void,
    stopping: AbortSignal,
  ) {
    this.#home = home;
    this.#settings = settings;
    this.#log = log;
    this.#stopping = stopping;
    this.#watcher = new RefWatcher((gitDir) => void this.#publish(gitDir), log);
    this.#engine = this.#open(settings);
  }

  /** The engine, once it is open. */
  get engine(): Promise<Engine> {
    return this.#engine;
  }

  /** Watches the repositories that are shared now, and no others, here and on other machines. */
  async watchShares(): Promise<void> {
    this.#watcher.set((await new Shares(this.#home).list()).map((share) => share.gitDir));
    await this.refollow();
  }

  /** Opens the engine, and watches what is shared from now on. */
  async start(): Promise<void> {
    await this.#engine;
    await this.watchShares();
  }

  /** Publishes what changed while nobody watched, and offers all that is in the store. */
  async work(): Promise<void> {
    const engine = await this.#engine;
    await this.republish();
    void engine.seedAll();
    this.#follower ??= new Follower(engine, this.#log, (name) => void this.#publishNamed(name));
    this.#waking ??= onWaking(() => this.#follower?.askAll());
    await this.refollow();
  }

  /** Joins the working repository with what another machine has published under the name. */
  async #publishNamed(name: string): Promise<void> {
    const share = (await new Shares(this.#home).list()).find((share) => share.name === name);
    if (share) await this.#publish(share.gitDir, { refsOnly: true });
  }

  /** Has all that is shared published as it is now. */
  async republish(): Promise<void> {
    for (const { gitDir } of await new Shares(this.#home).list()) void this.#publish(gitDir);
  }

  /** Keeps up to date what is followed now, and nothing else. */
  async refollow(): Promise<void> {
    await this.#follower?.refresh().catch((error) => this.#log(toGtrError(error).message));
  }

  /** Cleans up from time to time, until gtd is stopped. */
  async keep(): Promise<void> {
    while (!this.#stopping.aborted) {
      using limit = deadline(CLEAN_EVERY_MS, "old packs to be dropped", this.#stopping);
      await this.#engine.then((engine) => engine.dropRetiredPacks(limit))
        .catch((error) => this.#log(toGtrError(error).message));
      await sleep(CLEAN_EVERY_MS, this.#stopping).catch(() => {});
    }
  }

  /**
   * Reads the settings again and opens the networks with them. Requests that come meanwhile wait;
   * where the new settings don't do, the old ones stay in force.
   */
  async reload(): Promise<void> {
    try {
      const settings = await Settings.load(this.#home);
      settings.check();
      const before = this.#engine;
      this.#unfollow();
      const anew = async () => {
        await before.then((engine) => engine[Symbol.asyncDispose](), () => {});
        try {
          const engine = await this.#open(settings);
          this.#settings = settings;
          return engine;
        } catch (error) {
          this.#log(`can't use the new settings: ${toGtrError(error).message}`);
          return await this.#open(this.#settings);
        }
      };
      this.#engine = anew();
      await this.start();
      await this.work();
      this.#log("read the settings again");
    } catch (error) {
      this.#log(`can't read the settings again: ${toGtrError(error).message}`);
    }
  }

  /** Ends publishing and leaves the networks. */
  async stop(): Promise<void> {
    this.#watcher[Symbol.dispose]();
    this.#waking?.[Symbol.dispose]();
    this.#unfollow();
    await this.#engine.then((engine) => engine[Symbol.asyncDispose](), () => {});
  }

  #unfollow(): void {
    this.#follower?.[Symbol.dispose]();
    this.#follower = undefined;
  }

  #open(settings: Settings): Promise<Engine> {
    const opening = async () => {
      await checkGit();
      using limit = deadline(OPEN_MS, "the networks to open", this.#stopping);
      const [home, passwords, log] = [this.#home, this.#passwords, this.#log];
      const parts = { home, settings, passwords, networks: ALL_NETWORKS, log };
      return await Engine.open({ ...parts, gateways: defaultGateways }, limit);
    };
    const engine = opening();
    engine.catch(() => {}); // whoever awaits it hears of it
    return engine;
  }

  async #publish(gitDir: string, options: PublishOptions = {}): Promise<void> {
    try {
      using limit = deadline(PUBLISH_MS, `publishing ${gitDir}`, this.#stopping);
      const engine = await this.#engine;
      const published = await engine.publish(gitDir, limit, options);
      for (const line of [...published.warnings, ...published.diverged]) {
        this.#log(`${gitDir}: ${line}`);
      }
      if (!published.changed) return;
      const { shortfall } = await acknowledgePublication(engine, gitDir, published, limit);
      if (shortfall !== undefined) this.#log(`${gitDir}: ${shortfall}`);
    } catch (error) {
      const { code, message } = toGtrError(error);
      if (this.#stopping.aborted || code === "stopping") return; // or the engine is opened anew
      this.#log(message.includes(gitDir) ? message : `can't publish ${gitDir}: ${message}`);
    }
  }
}
