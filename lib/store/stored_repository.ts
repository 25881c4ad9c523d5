/**
 * One repository of the store.
 *
 * @module
 */
import { StoreError, VerificationError } from "../common/errors.ts";
import type { Wait } from "../common/wait.ts";
import { explained } from "../git_interface/os_error.ts";
import { moveFile } from "../git_interface/place_file.ts";
import type { ObjectFormat, SignedManifest } from "../manifest/types.ts";
import type { PackFile } from "../transports/transport.ts";
import { checkFetched } from "./check_fetched.ts";
import { type AddedPack, commitManifest, settle } from "./commit_manifest.ts";
import { createRepository, objectFormatOf } from "./create_repository.ts";
import { Quarantine } from "./quarantine.ts";
import { acquireLock, tryLock } from "./repo_lock.ts";
import { STAGING } from "./repo_paths.ts";
import { type RepoState, writeState } from "./repo_state.ts";
import { RepositoryReader } from "./repository_reader.ts";
import { remove, removeLeftovers, tidyPacks } from "./tidy.ts";

export type { AddedPack, RepoState };

/**
 * A bare repository with its manifest. Reading needs no lock; all methods that change it need
 * {@linkcode StoredRepository.lock}, except {@linkcode StoredRepository.create}.
 */
export class StoredRepository extends RepositoryReader {
  #locks = 0;

  /**
   * Makes the repository, whole or not at all; one that exists is left as it is.
   *
   * @throws {VerificationError} "object-format-changed" where it exists with the other format
   * @throws {StoreError}
   */
  async create(objectFormat: ObjectFormat): Promise<void> {
    if (!await this.exists()) await createRepository(this.paths, objectFormat);
    const present = await objectFormatOf(this.path);
    if (present === objectFormat) return;
    throw new VerificationError(
      "object-format-changed",
      `can't use ${this.name}: it is a ${present} repository here and now ${objectFormat} there`,
      { hint: "'gtr unfollow' it, then clone it again" },
    );
  }

  /**
   * Keeps all other processes, and other callers in this one, from changing the repository.
   *
   * @throws {StoreError} "repository-busy" at the deadline
   */
  async lock(wait: Wait): Promise<Disposable> {
    return this.#counted(await acquireLock(this.paths.lock, wait));
  }

  /** The same without waiting; undefined where it is busy. */
  async tryLock(): Promise<Disposable | undefined> {
    const lock = await tryLock(this.paths.lock);
    return lock && this.#counted(lock);
  }

  /** Changes what the store itself doesn't decide. */
  async writeState(
    changes: Partial<Pick<RepoState, "role" | "sources" | "lastUsed">>,
  ): Promise<void> {
    this.#requireLock();
    await writeState(this.paths.state, { ...await this.state(), ...changes });
  }

  /** An empty folder on the store's file system, for making packs in. Dispose it to remove it. */
  async staging(): Promise<{ readonly path: string } & AsyncDisposable> {
    const path = this.paths.temporary(STAGING);
    try {
      await Deno.mkdir(path);
    } catch (error) {
      throw explained(`can't make ${path}`, error);
    }
    return { path, [Symbol.asyncDispose]: () => remove(path) };
  }

  /**
   * Stores a manifest from elsewhere with the packs that were fetched for it. All is checked first;
   * if anything fails, nothing changes, and a file that proved bad is removed. Packs of the manifest
   * need not be at hand where older ones have their content.
   *
   * @param fetched packs of the manifest; their files are moved into the store
   * @param options `strict`: make the checks of `transfer.fsckObjects` too
   * @throws {VerificationError} "wrong-key", "wrong-name", "rolled-back", "forked-manifest",
   * "object-format-changed", "wrong-pack", "bad-pack", "missing-objects", "bad-refs", "damaged-store"
   * @throws {StoreError} "disk-full"
   */
  async accept(
    signed: SignedManifest,
    fetched: readonly PackFile[],
    options: Wait & { readonly strict: boolean },
  ): Promise<void> {
    this.#requireLock();
    await this.#checkSuccessor(signed);
    await this.create(signed.manifest.objectFormat);
    const state = await this.state();
    const whole = await this.whole(state.packs);
    try {
      await using quarantine = await Quarantine.open(this.paths);
      const { packs, added } = await checkFetched(
        ...[this.paths, quarantine, signed.manifest, state.packs, whole, fetched, options] as const,
      );
      await commitManifest(this.paths, signed, packs, added, state);
    } catch (error) {
      throw explained(`can't store ${this.name}`, error);
    }
    for (const { path } of fetched) await remove(path); // those that were here already
  }

  /**
   * Stores a manifest of one's own with the packs that were made for it.
   *
   * @param added packs of the manifest; their files are moved into the store
   * @throws {VerificationError} "rolled-back" where the sequence number isn't higher than all before
   * @throws {StoreError} "pack-missing", "disk-full"
   */
  async publish(signed: SignedManifest, added: readonly AddedPack[]): Promise<void> {
    this.#requireLock();
    this.#checkOwner(signed);
    const { sequence, objectFormat, packs } = signed.manifest;
    const highest = await this.highestSequence();
    if (sequence <= highest) throw rolledBack(sequence, highest);
    await this.create(objectFormat);
    const state = await this.state();
    const here = [...await this.whole(state.packs), ...added].map(({ pack }) => pack.sha256);
    const lost = packs.find(({ sha256 }) => !here.includes(sha256));
    if (lost) {
      throw new StoreError("pack-missing", `can't publish: the store has no pack ${lost.sha256}`);
    }
    try {
      await commitManifest(this.paths, signed, packs, added, state);
    } catch (error) {
      throw explained(`can't publish ${this.name}`, error);
    }
  }

  /**
   * Finishes or undoes what a killed process left half done.
   *
   * @throws {VerificationError} "damaged-store"
   */
  async repair(): Promise<void> {
    this.#requireLock();
    if (!await this.exists()) return;
    await removeLeftovers(this.paths);
    const signed = await this.manifest();
    const state = await this.state();
    if (signed) await settle(this.paths, signed.manifest, state);
    else await tidyPacks(this.paths, state);
  }

  /** Removes the packs that were retired so many seconds ago or earlier. */
  async dropRetired(olderThanSeconds: number): Promise<void> {
    this.#requireLock();
    const state = await this.state();
    const latest = Math.floor(Date.now() / 1000) - olderThanSeconds;
    const kept = { ...state, retired: state.retired.filter(({ since }) => since > latest) };
    await writeState(this.paths.state, kept);
    await tidyPacks(this.paths, kept);
  }

  /** Removes all retired packs. */
  async dropRetiredNow(): Promise<void> {
    await this.dropRetired(0);
  }

  /** Removes the whole repository, also what is known of its sequence numbers. */
  async purge(): Promise<void> {
    this.#requireLock();
    if (await this.exists()) {
      const doomed = this.paths.temporaryRepository();
      await moveFile(this.path, doomed); // gone at once, whatever happens to the rest
      await remove(doomed);
    }
    await remove(this.paths.lock);
    await Deno.remove(this.paths.publisherFolder).catch(() => {}); // it may have others
  }

  async #checkSuccessor(signed: SignedManifest): Promise<void> {
    this.#checkOwner(signed);
    const { sequence } = signed.manifest;
    const highest = await this.highestSequence();
    if (sequence < highest) throw rolledBack(sequence, highest);
    const current = await this.usableManifest();
    if (current?.manifest.sequence !== sequence || isEqual(current.bytes, signed.bytes)) return;
    throw new VerificationError(
      "forked-manifest",
      `can't use a manifest of ${this.name}: there is another with sequence number ${sequence}`,
      { hint: "the publisher's key may be in use on two machines; ask them to publish again" },
    );
  }

  #checkOwner({ manifest }: SignedManifest): void {
    const fault = manifest.publisher !== this.publisher
      ? { code: "wrong-key", why: `its publisher is ${manifest.publisher}` }
      : { code: "wrong-name", why: `it is that of ${manifest.name}` };
    if (fault.code === "wrong-name" && manifest.name === this.name) return;
    throw new VerificationError(fault.code, `can't use a manifest of ${this.name}: ${fault.why}`);
  }

  #counted(lock: Disposable): Disposable {
    let held = true;
    this.#locks++;
    return {
      [Symbol.dispose]: () => {
        if (held) this.#locks--;
        held = false;
        lock[Symbol.dispose]();
      },
    };
  }

  /** A caller that forgot the lock is a fault of the program: its first test finds it. */
  #requireLock(): void {
    if (this.#locks === 0) throw new Error(`${this.name}: changed without its lock`);
  }
}

function rolledBack(sequence: number, highest: number): VerificationError {
  return new VerificationError(
    "rolled-back",
    `can't use a manifest with sequence number ${sequence}: ${highest} was seen before`,
    { hint: "the answer is out of date, or somebody replays it; ask again later" },
  );
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
