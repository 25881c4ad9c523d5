/**
 * All repositories that this user publishes or follows.
 *
 * @module
 */
import { join } from "node:path";
import { type GtrError, toGtrError } from "../common/errors.ts";
import type { Home } from "../common/home.ts";
import { repositoryNameFault } from "../common/repository_name.ts";
import { publisherId, verifySignature } from "../identity/keys.ts";
import type { VerifySignature } from "../manifest/manifest.ts";
import { isPublisher, RepoPaths, TEMPORARY_REPOSITORY } from "./repo_paths.ts";
import { KnownFiles } from "./repository_reader.ts";
import { StoredRepository } from "./stored_repository.ts";
import { namesIn, remove } from "./tidy.ts";

/** The folder `store` of a home: `<public key>/<name>.git`. */
export class Store {
  readonly #root: string;
  readonly #known: KnownFiles;

  /** @param verify checks the signatures of stored manifests */
  constructor(home: Home, verify: VerifySignature = verifySignature) {
    this.#root = home.store;
    this.#known = new KnownFiles(verify);
  }

  /**
   * The repository of that name, whether it exists yet or not. Names that could lead out of the
   * store are refused.
   *
   * @param publisher public key, 64 lower-case hex digits
   * @throws {UsageError} "bad-publisher", "bad-name"
   */
  repository(publisher: string, name: string): StoredRepository {
    return new StoredRepository(new RepoPaths(this.#root, publisher, name), this.#known);
  }

  /** All repositories that exist. Files that are none of the store's own are passed over. */
  async repositories(): Promise<StoredRepository[]> {
    const found: StoredRepository[] = [];
    for (const publisher of await this.#publishers()) {
      for (const entry of await namesIn(join(this.#root, publisher))) {
        const name = entry.replace(/\.git$/, "");
        if (name === entry || repositoryNameFault(name) !== undefined) continue;
        const repository = this.repository(publisher, name);
        if (await repository.exists()) found.push(repository);
      }
    }
    return found;
  }

  /** The public key of a publisher who has a repository here; undefined if there is none. */
  async publisherKey(id: string): Promise<string | undefined> {
    const publishers = await this.#publishers();
    return publishers.find((key) => publisherId(Uint8Array.fromHex(key)) === id);
  }

  /**
   * Finishes or undoes what killed processes left half done. A repository that another process is
   * using is left to it.
   *
   * @returns what could not be repaired, one error for each repository
   */
  async repair(): Promise<GtrError[]> {
    const errors: GtrError[] = [];
    const attempt = async (repository: StoredRepository, work: () => Promise<void>) => {
      try {
        using lock = await repository.tryLock();
        if (lock) await work();
      } catch (error) {
        errors.push(toGtrError(error));
      }
    };
    for (const publisher of await this.#publishers()) {
      const folder = join(this.#root, publisher);
      for (const entry of await namesIn(folder)) {
        const name = TEMPORARY_REPOSITORY.exec(entry)?.[1];
        if (name === undefined || repositoryNameFault(name) !== undefined) continue;
        await attempt(this.repository(publisher, name), () => remove(join(folder, entry)));
      }
    }
    for (const repository of await this.repositories()) {
      await attempt(repository, () => repository.repair());
    }
    return errors;
  }

  async #publishers(): Promise<string[]> {
    return (await namesIn(this.#root)).filter(isPublisher).sort();
  }
}
