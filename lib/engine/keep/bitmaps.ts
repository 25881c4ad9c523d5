/**
 * Bitmap indexes for the repositories that others are likely to fetch from here.
 *
 * @module
 */
import { toGtrError } from "../../common/errors.ts";
import { Mutex } from "../../common/mutex.ts";
import type { StoredRepository } from "../../store/stored_repository.ts";
import type { UserParts } from "../user_parts.ts";

/** Makes them one after the other, beside everything else. Dispose it to end that. */
export class Bitmaps implements AsyncDisposable {
  readonly #parts: Pick<UserParts, "key" | "follows" | "store" | "log">;
  readonly #turns = new Mutex();
  /** Paths of those whose turn has not come. */
  readonly #waiting = new Set<string>();
  readonly #stop = new AbortController();

  constructor(parts: Pick<UserParts, "key" | "follows" | "store" | "log">) {
    this.#parts = parts;
  }

  /**
   * Sees to it that a repository has one as it is now, if it is one's own or followed: that takes a
   * while, and for what was only cloned it is hardly ever worth it. Never rejects: nothing depends on
   * it.
   */
  async keep({ path, publisher, name }: StoredRepository): Promise<void> {
    if (this.#waiting.has(path) || this.#stop.signal.aborted) return;
    // One of its own: the caller may hold the lock of that one, or soon will.
    const repository = this.#parts.store.repository(publisher, name);
    this.#waiting.add(path);
    await this.#turns.run("", () => {
      this.#waiting.delete(path);
      return this.#make(repository);
    }).catch((error) => {
      if (this.#stop.signal.aborted) return;
      this.#parts.log(`can't make a bitmap of ${name}: ${toGtrError(error).message}`);
    });
  }

  async #make(repository: StoredRepository): Promise<void> {
    const { key, follows } = this.#parts;
    const { signal } = this.#stop;
    if (signal.aborted || !await repository.exists()) return;
    const bounded = repository.publisher !== key.publicKeyHex;
    if (bounded && !await follows.has(repository)) return;
    await repository.addBitmap({ signal, bounded });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#turns.run("", () => Promise.resolve());
  }
}
