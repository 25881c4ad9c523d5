/**
 * What others' repositories take on the disk.
 *
 * @module
 */
import { Mutex } from "../../common/mutex.ts";
import type { Usage } from "../../store/disk_usage.ts";
import type { Store } from "../../store/store.ts";
import type { StoredRepository } from "../../store/stored_repository.ts";

/** So long, in milliseconds, it is good enough to know what the copies took. */
const RECENT_MS = 60_000;

/** Someone else's repository, and what it takes. */
export interface Copy {
  readonly repository: StoredRepository;
  readonly usage: Usage;
}

/**
 * Looks at all files of the store at most once a minute for all that is fetched, and in between only
 * at copies that were changed. What changes them otherwise within that minute is seen later, so where
 * it matters, {@linkcode Copies.all} has to be asked.
 */
export class Copies {
  readonly #store: Store;
  readonly #own: string;
  /** By path. */
  readonly #known = new Map<string, Copy>();
  /** Those that have to be looked at again. */
  readonly #changed = new Map<string, StoredRepository>();
  readonly #turns = new Mutex();
  #walkedAt = -Infinity;

  /** @param own public key of this user, whose own repositories don't count */
  constructor(store: Store, own: string) {
    this.#store = store;
    this.#own = own;
  }

  /** All of them as they are now. */
  all(): Promise<Copy[]> {
    return this.#turns.run("", () => this.#walk());
  }

  /** All of them as they were within the last minute, but `repository` as it is now. */
  recent(repository: StoredRepository): Promise<Copy[]> {
    this.changed(repository);
    return this.#turns.run("", async () => {
      if (performance.now() - this.#walkedAt > RECENT_MS) return await this.#walk();
      const walkedAt = this.#walkedAt;
      this.#walkedAt = -Infinity; // should this fail
      for (const [path, changed] of this.#changed) {
        this.#changed.delete(path); // first: it may change again meanwhile
        if (await changed.exists()) {
          this.#known.set(path, { repository: changed, usage: await changed.usage() });
        } else {
          this.#known.delete(path);
        }
      }
      this.#walkedAt = walkedAt;
      return [...this.#known.values()];
    });
  }

  /** To be called when a copy has come, changed or gone. */
  changed(repository: StoredRepository): void {
    this.#changed.set(repository.path, repository);
  }

  async #walk(): Promise<Copy[]> {
    const startedAt = performance.now();
    this.#walkedAt = -Infinity; // should this fail
    this.#changed.clear();
    this.#known.clear();
    const others = (await this.#store.repositories())
      .filter(({ publisher }) => publisher !== this.#own);
    const seen = new Set<string>();
    const copies = await Promise.all(
      others.map(async (repository) => ({ repository, usage: await repository.usage(seen) })),
    );
    for (const copy of copies) this.#known.set(copy.repository.path, copy);
    this.#walkedAt = startedAt;
    return copies;
  }
}
