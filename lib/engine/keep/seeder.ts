/**
 * Keeping what the store holds available to others.
 *
 * @module
 */
import { toGtrError } from "../../common/errors.ts";
import { Mutex } from "../../common/mutex.ts";
import type { Settings } from "../../common/settings.ts";
import type { Manifest } from "../../manifest/types.ts";
import type { StoredRepository } from "../../store/stored_repository.ts";
import type { PackFile } from "../../manifest/pack_file.ts";
import type { OpenNetwork } from "../../ports/network.ts";
import type { Packs } from "../../ports/packs.ts";
import { Announcements } from "./announcements.ts";
import type { Bitmaps } from "./bitmaps.ts";

/** One pack on one network. */
interface Seeding {
  readonly scheme: string;
  readonly packs: Packs;
  readonly file: PackFile;
}

/**
 * Seeds the packs of every repository it was told of, and announces their manifests. Each call looks
 * at the repository as it is when its turn comes, so that calls may come in any order.
 */
export class Seeder implements AsyncDisposable {
  readonly #networks: readonly OpenNetwork[];
  readonly #announcements: Announcements;
  readonly #log: (message: string) => void;
  readonly #allowed: (repository: StoredRepository) => Promise<boolean>;
  readonly #bitmaps: Bitmaps;
  /** Repository path -> network and file -> seed. */
  readonly #seeds = new Map<string, Map<string, AsyncDisposable>>();
  /** Repository path -> the offer that waits for its turn. */
  readonly #waiting = new Map<string, Promise<string[]>>();
  /** Repository path -> the offer that waits or goes on, the last one of several. */
  readonly #latest = new Map<string, Promise<string[]>>();
  readonly #turns = new Mutex();
  readonly #stop = new AbortController();

  /**
   * @param allowed whether a repository may be offered now; it is kept in the store either way
   * @param bitmaps made for what was offered, and disposed of with this
   */
  constructor(
    networks: readonly OpenNetwork[],
    settings: Settings,
    log: (message: string) => void,
    allowed: (repository: StoredRepository) => Promise<boolean>,
    bitmaps: Bitmaps,
  ) {
    this.#networks = networks;
    this.#announcements = new Announcements(networks, settings, log);
    this.#log = log;
    this.#allowed = allowed;
    this.#bitmaps = bitmaps;
  }

  /**
   * Seeds the repository's packs, then tells every network of its manifest: data first, pointer last.
   *
   * @returns what failed, in words; see {@linkcode Announcements.tell}
   */
  offer(repository: StoredRepository): Promise<string[]> {
    const { path } = repository;
    const waiting = this.#waiting.get(path);
    if (waiting) return waiting; // it will see all that this one would
    const mine = this.#turns.run(`announce ${path}`, () => {
      this.#waiting.delete(path);
      return this.#offer(repository);
    });
    this.#waiting.set(path, mine);
    this.#latest.set(path, mine);
    const end = () => {
      if (this.#latest.get(path) === mine) this.#latest.delete(path);
    };
    mine.then(end, end);
    return mine;
  }

  /**
   * What failed of the offer that is under way, for a caller that finds that another has just
   * published; if it has failed already, or what was stored was never offered, of a further one.
   */
  async catchUp(repository: StoredRepository): Promise<string[]> {
    const latest = this.#latest.get(repository.path);
    if (latest) return await latest;
    const sequence = (await repository.usableManifest())?.manifest.sequence ?? 0;
    return this.#announcements.isTold(repository, sequence) ? [] : await this.offer(repository);
  }

  /** Seeds the repository's present and recently replaced packs, and no others. */
  async update(repository: StoredRepository): Promise<void> {
    await this.#update(repository);
  }

  /** Stops seeding and announcing a repository that has left the store, or is no longer offered. */
  async forget(repository: StoredRepository, manifest: Manifest | undefined): Promise<void> {
    if (manifest) {
      await this.#turns.run(
        `announce ${repository.path}`,
        () => this.#announcements.forget(repository, manifest),
      );
    }
    await this.update(repository);
  }

  async #offer(repository: StoredRepository): Promise<string[]> {
    const signed = await repository.manifest();
    if (!signed || !await this.#allowed(repository)) return [];
    // Read before: what is seeded now is what this manifest lists, and perhaps newer packs too.
    const files = new Map((await this.#update(repository)).map((file) => [file.pack.sha256, file]));
    const packs = signed.manifest.packs.flatMap(({ sha256 }) => files.get(sha256) ?? []);
    const failures = await this.#announcements.tell(repository, signed, packs);
    void this.#bitmaps.keep(repository);
    return failures;
  }

  #update(repository: StoredRepository): Promise<PackFile[]> {
    return this.#turns.run(`seed ${repository.path}`, async () => {
      const files = await this.#allowed(repository)
        ? [...await repository.heldPacks(), ...await repository.retiredPacks()]
        : [];
      const seeds = this.#seeds.get(repository.path) ?? new Map<string, AsyncDisposable>();
      this.#seeds.set(repository.path, seeds);
      // A pack that was replaced has moved: it is seeded anew from where it lies now.
      const wanted = new Map(
        this.#networks.flatMap(({ scheme, packs }): [string, Seeding][] =>
          packs ? files.map((file) => [`${scheme} ${file.path}`, { scheme, packs, file }]) : []
        ),
      );
      for (const [key, seed] of seeds) {
        if (wanted.has(key)) continue;
        seeds.delete(key);
        await this.#end(seed);
      }
      for (const [key, { scheme, packs, file }] of wanted) {
        if (seeds.has(key) || this.#stop.signal.aborted) continue;
        try {
          seeds.set(key, await packs.offer(file));
        } catch (error) {
          this.#log(`can't seed ${file.path} on ${scheme}: ${toGtrError(error).message}`);
        }
      }
      if (seeds.size === 0) this.#seeds.delete(repository.path);
      return files;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#announcements.stop();
    await this.#bitmaps[Symbol.asyncDispose]();
    await Promise.all(
      [...this.#seeds].map(([path, seeds]) =>
        this.#turns.run(`seed ${path}`, async () => {
          for (const seed of seeds.values()) await this.#end(seed);
          seeds.clear();
        })
      ),
    );
    this.#seeds.clear();
  }

  async #end(seed: AsyncDisposable): Promise<void> {
    try {
      await seed[Symbol.asyncDispose]();
    } catch (error) {
      this.#log(`can't stop seeding: ${toGtrError(error).message}`);
    }
  }
}
