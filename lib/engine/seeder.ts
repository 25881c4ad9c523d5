/**
 * Keeping what the store holds available to others.
 *
 * @module
 */
import { Mutex } from "../common/mutex.ts";
import type { Settings } from "../common/settings.ts";
import { deadline } from "../common/wait.ts";
import { toGtrError } from "../common/errors.ts";
import type { StoredRepository } from "../store/stored_repository.ts";
import type { Transport } from "../transports/transport.ts";

/**
 * Seeds the packs of every repository it was told of, and announces their manifests. Each call looks
 * at the repository as it is when its turn comes, so that calls may come in any order.
 */
export class Seeder implements AsyncDisposable {
  readonly #transports: readonly Transport[];
  readonly #settings: Settings;
  readonly #log: (message: string) => void;
  /** Repository path -> pack -> its seeds. */
  readonly #seeds = new Map<string, Map<string, AsyncDisposable[]>>();
  readonly #turns = new Mutex();
  readonly #stop = new AbortController();

  constructor(
    transports: readonly Transport[],
    settings: Settings,
    log: (message: string) => void,
  ) {
    this.#transports = transports;
    this.#settings = settings;
    this.#log = log;
  }

  /**
   * Seeds the repository's packs, then tells every network of its manifest: data first, pointer last.
   * Returns what failed, in words; a network that is out of reach now is told later by its own
   * republishing.
   */
  async offer(repository: StoredRepository): Promise<string[]> {
    await this.update(repository);
    return await this.#turns.run(`announce ${repository.path}`, () => this.#announce(repository));
  }

  /** Seeds the repository's present and recently replaced packs, and no others. */
  update(repository: StoredRepository): Promise<void> {
    return this.#turns.run(`seed ${repository.path}`, () => this.#update(repository));
  }

  async #update(repository: StoredRepository): Promise<void> {
    const files = [...await repository.heldPacks(), ...await repository.retiredPacks()];
    // A pack that was replaced has moved: it is seeded anew from where it lies now.
    const wanted = new Map(files.map((file) => [`${file.pack.sha256} ${file.path}`, file]));
    const seeds = this.#seeds.get(repository.path) ?? new Map<string, AsyncDisposable[]>();
    for (const [key, old] of seeds) {
      if (wanted.has(key)) continue;
      seeds.delete(key);
      await disposeAll(old);
    }
    for (const [key, file] of wanted) {
      if (seeds.has(key)) continue;
      seeds.set(key, await Promise.all(this.#transports.map((t) => t.seed(file))));
    }
    if (seeds.size > 0) this.#seeds.set(repository.path, seeds);
    else this.#seeds.delete(repository.path);
  }

  async #announce(repository: StoredRepository): Promise<string[]> {
    const signed = await repository.manifest();
    if (!signed) return [];
    const packs = await repository.heldPacks();
    const ms = this.#settings.get("network.timeout") * 1000;
    const results = await Promise.allSettled(this.#transports.map(async (transport) => {
      using limit = deadline(ms, `${transport.scheme} to take the new state`, this.#stop.signal);
      await transport.announce(signed, packs, { signal: limit.signal });
    }));
    return results.flatMap((result, i) => {
      if (result.status === "fulfilled" || this.#stop.signal.aborted) return [];
      const why = `${this.#transports[i]!.scheme}: ${toGtrError(result.reason).message}`;
      this.#log(`can't announce ${repository.name} on ${why}`);
      return [why];
    });
  }

  /** Stops seeding and announcing a repository. */
  async forget(repository: StoredRepository): Promise<void> {
    const signed = await repository.manifest().catch(() => undefined);
    if (signed) await Promise.allSettled(this.#transports.map((t) => t.forget(signed.manifest)));
    await this.#turns.run(`seed ${repository.path}`, async () => {
      const seeds = this.#seeds.get(repository.path);
      this.#seeds.delete(repository.path);
      await disposeAll([...seeds?.values() ?? []].flat());
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    const seeds = [...this.#seeds.values()].flatMap((packs) => [...packs.values()].flat());
    this.#seeds.clear();
    await disposeAll(seeds);
  }
}

async function disposeAll(seeds: AsyncDisposable[]): Promise<void> {
  await Promise.allSettled(seeds.map((seed) => seed[Symbol.asyncDispose]()));
}
