/**
 * One repository of the store.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { StoreError, VerificationError } from "../common/errors.ts";
import { deadline, type Wait } from "../common/wait.ts";
import { basename, join } from "node:path";
import { explained } from "../git_interface/os_error.ts";
import { linkOrCopy, moveFile } from "../git_interface/place_file.ts";
import { isAnnounced } from "../manifest/flow.ts";
import type { ObjectFormat, PackRef, SignedManifest } from "../manifest/types.ts";
import type { PackFile } from "../manifest/pack_file.ts";
import { presentBitmap } from "./bitmap_files.ts";
import { type AcceptOptions, checkFetched } from "./check_fetched.ts";
import { type AddedPack, commitManifest, settle } from "./commit_manifest.ts";
import { createRepository, mendRepository, objectFormatOf } from "./create_repository.ts";
import { EarlyIndex, type EarlyOptions } from "./early_index.ts";
import { bitmapBase, makeBitmap } from "./make_bitmap.ts";
import { Quarantine } from "./quarantine.ts";
import { type FetchInto, receivePack, type ReceiveWait } from "./receive_pack.ts";
import { acquireLock, tryLock } from "./repo_lock.ts";
import { type Joining, type RepoState, writeState } from "./repo_state.ts";
import { RepositoryReader } from "./repository_reader.ts";
import { completePacks, heldTips } from "./snapshot.ts";
import {
  remove,
  removeFetched,
  removeGivenUp,
  removeLeftovers,
  removeUnfinished,
  tidyPacks,
} from "./tidy.ts";

export type { AddedPack, RepoState };

/** How long a method waits that was not called with the lock held. */
const LOCK_MS = 10_000;

/**
 * A bare repository with its manifest. Reading needs no lock. Each method that changes it takes the
 * lock for itself, unless this object holds it already: what reads, decides and changes is one step
 * only under {@linkcode StoredRepository.lock}.
 */
export class StoredRepository extends RepositoryReader {
  #locks = 0;

  /**
   * Makes the repository, whole or not at all; one that exists gets back what git can't do without.
   *
   * @throws {VerificationError} "object-format-changed" if it exists with the other format
   * @throws {StoreError}
   */
  async create(objectFormat: ObjectFormat): Promise<void> {
    await this.#locked(async () => {
      if (await this.exists()) await mendRepository(this.paths);
      else await createRepository(this.paths, objectFormat);
    });
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

  /** The same without waiting; undefined if it is busy. */
  async tryLock(): Promise<Disposable | undefined> {
    const lock = await tryLock(this.paths.lock);
    return lock && this.#counted(lock);
  }

  /** Changes what the store itself doesn't decide; a member that is undefined is taken out. */
  async writeState(
    { sequence = 0, ...changes }: Partial<
      Pick<
        RepoState,
        "role" | "sources" | "lastUsed" | "sequence" | "awaited" | "displaced" | "diverged"
      >
    >,
  ): Promise<void> {
    await this.#locked(async () => {
      const state = await this.state();
      const next = { ...state, ...changes, sequence: Math.max(sequence, state.sequence) };
      await writeState(this.paths.state, next);
    });
  }

  /**
   * Keeps the objects of the present publication at {@linkcode displacedPath}, before another
   * machine's takes its place.
   *
   * @throws {StoreError}
   */
  async keepDisplaced(displaced: Joining): Promise<void> {
    await this.#locked(async () => {
      const folder = join(this.paths.displaced, "pack");
      await Deno.mkdir(folder, { recursive: true });
      for (const { pack: { sha256 } } of await this.packs()) {
        for (const from of [this.paths.pack(sha256), this.paths.idx(sha256)]) {
          await linkOrCopy(from, join(folder, basename(from)));
        }
      }
      await this.writeState({ displaced });
    });
  }

  /** Forgets what {@linkcode keepDisplaced} kept. */
  async dropDisplaced(): Promise<void> {
    await this.#locked(async () => {
      await this.writeState({ displaced: undefined, diverged: undefined });
      await remove(this.paths.displaced);
    });
  }

  /**
   * Starts to index a pack that is about to be fetched to its incoming path, the first of a
   * repository that has none.
   */
  indexEarly(pack: PackRef, options: EarlyOptions): EarlyIndex {
    return EarlyIndex.start(this.paths, pack, options);
  }

  /**
   * Stores a manifest from elsewhere with the packs that were fetched for it. All is checked first;
   * if anything fails, nothing changes, and a file that proved bad is removed. Packs of the manifest
   * need not be at hand if older ones have their content.
   *
   * @param fetched packs of the manifest; their files are removed once they are in the store
   * @throws {VerificationError} "wrong-key", "wrong-name", "rolled-back", "forked-manifest",
   * "object-format-changed", "wrong-pack", "bad-pack", "missing-objects", "bad-refs", "damaged-store"
   * @throws {StoreError} "disk-full"
   */
  async accept(
    signed: SignedManifest,
    fetched: readonly PackFile[],
    options: AcceptOptions,
  ): Promise<void> {
    await this.#locked(() => this.#accept(signed, fetched, options));
  }

  async #accept(
    signed: SignedManifest,
    fetched: readonly PackFile[],
    options: AcceptOptions,
  ): Promise<void> {
    await this.#checkSuccessor(signed);
    await this.create(signed.manifest.objectFormat);
    const { state, packs: whole } = await this.snapshot();
    try {
      await using quarantine = await Quarantine.open(this.paths);
      const { packs, added } = await checkFetched(
        this.paths,
        quarantine,
        signed.manifest,
        state.packs,
        whole,
        fetched,
        options,
      );
      const unlisted = packs === signed.manifest.packs ? undefined : packs;
      await commitManifest(this.paths, signed, added, state, whole, unlisted);
    } catch (error) {
      throw explained(`can't store ${this.name}`, error);
    }
    for (const { path } of fetched) await remove(path);
  }

  /**
   * Stores a manifest from elsewhere with the objects that a live peer sends for it. All is checked
   * first; if anything fails, nothing changes.
   *
   * @param fetch puts the objects where it is told
   * @throws what {@linkcode StoredRepository.accept} throws, and what `fetch` does
   */
  async receive(signed: SignedManifest, fetch: FetchInto, wait: ReceiveWait): Promise<void> {
    await this.#locked(() => this.#receive(signed, fetch, wait));
  }

  async #receive(signed: SignedManifest, fetch: FetchInto, wait: ReceiveWait): Promise<void> {
    await this.#checkSuccessor(signed);
    await this.create(signed.manifest.objectFormat);
    const snapshot = await this.snapshot();
    const held = { packs: completePacks(snapshot), tips: heldTips(snapshot) };
    try {
      await using quarantine = await Quarantine.open(this.paths);
      const { packs, added } = await receivePack(
        this.path,
        quarantine,
        signed.manifest,
        held,
        fetch,
        wait,
      );
      const names = added.map(({ pack }) => pack.sha256);
      const state = { ...snapshot.state, local: [...snapshot.state.local ?? [], ...names] };
      await commitManifest(this.paths, signed, added, state, held.packs, packs);
    } catch (error) {
      throw explained(`can't store ${this.name}`, error);
    }
  }

  /**
   * Stores a manifest of one's own with the packs that were made for it.
   *
   * @param added those of `packs` that are new; their files are moved into the store
   * @param packs what the repository is to consist of: the packs that the manifest lists, unless it
   * only announces
   * @throws {VerificationError} "rolled-back" if the sequence number isn't higher than all before
   * @throws {StoreError} "pack-missing", "disk-full"
   */
  async publish(
    signed: SignedManifest,
    added: readonly AddedPack[],
    packs: readonly PackRef[] = signed.manifest.packs,
  ): Promise<void> {
    await this.#locked(() => this.#publish(signed, added, packs));
  }

  async #publish(
    signed: SignedManifest,
    added: readonly AddedPack[],
    packs: readonly PackRef[],
  ): Promise<void> {
    this.#checkOwner(signed);
    const { sequence, objectFormat } = signed.manifest;
    const highest = await this.highestSequence();
    if (sequence <= highest) throw rolledBack(sequence, highest);
    await this.create(objectFormat);
    const snapshot = await this.snapshot();
    const state = { ...snapshot.state, role: "published" as const };
    const whole = snapshot.packs;
    const here = [...whole, ...added].map(({ pack }) => pack.sha256);
    const lost = packs.find(({ sha256 }) => !here.includes(sha256));
    if (lost) {
      throw new StoreError("pack-missing", `can't publish: the store has no pack ${lost.sha256}`);
    }
    try {
      const unlisted = isAnnounced(signed.manifest) ? packs : undefined;
      await commitManifest(this.paths, signed, added, state, whole, unlisted);
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
    await this.#locked(async () => {
      if (!await this.exists()) return;
      await removeLeftovers(this.paths);
      const signed = await this.manifest();
      const state = await this.state();
      if (signed) await settle(this.paths, signed.manifest, state);
      else await tidyPacks(this.paths, state);
      await removeFetched(this.paths, (await this.packs()).map(({ pack }) => pack));
    });
  }

  /** Removes what was fetched of packs, except those with these SHA-256. */
  async dropUnfinished(kept: readonly string[] = []): Promise<void> {
    await this.#locked(() => removeUnfinished(this.paths, (sha256) => !kept.includes(sha256)));
  }

  /** Removes what was fetched of packs so long ago that it is given up, unless somebody is at it. */
  async dropGivenUp(): Promise<void> {
    if ((await this.unfinished()).bytes === 0) return;
    using lock = await this.tryLock();
    if (lock) await removeGivenUp(this.paths);
  }

  /**
   * Removes the packs that were retired so many seconds ago or earlier.
   *
   * @returns how many
   */
  async dropRetired(olderThanSeconds: number): Promise<number> {
    return await this.#locked(async () => {
      const state = await this.state();
      const latest = Math.floor(Date.now() / 1000) - olderThanSeconds;
      const retired = state.retired.filter(({ since }) => since > latest);
      if (retired.length === state.retired.length) return 0;
      await writeState(this.paths.state, { ...state, retired });
      await tidyPacks(this.paths, { ...state, retired });
      return state.retired.length - retired.length;
    });
  }

  /**
   * Makes a bitmap index of the packs that the others build on, unless there is one. It is made
   * without the lock, since that can take long.
   *
   * @returns whether there is a new one
   * @throws {GitError} "git-failed"
   */
  async addBitmap(wait: Wait & { readonly bounded?: boolean }): Promise<boolean> {
    const base = await this.#lacksBitmap();
    if (base.length === 0) return false;
    await using made = await makeBitmap(this.paths, base, wait);
    return await this.#locked(async () => {
      const still = new Set((await this.#lacksBitmap()).map(({ pack }) => pack.sha256));
      if (!base.every(({ pack }) => still.has(pack.sha256))) return false;
      await made.place();
      await tidyPacks(this.paths, await this.state());
      return true;
    });
  }

  /** The packs that need a bitmap index; empty if there is one or none can be. */
  async #lacksBitmap(): Promise<PackFile[]> {
    const base = bitmapBase((await this.state()).packs);
    const { packs = [] } = await presentBitmap(this.paths) ?? {};
    if (base.every(({ sha256 }) => packs.includes(sha256))) return [];
    const files = await this.whole(base);
    return files.length === base.length ? files : [];
  }

  /** Removes the whole repository, also what is known of its sequence numbers. */
  async purge(): Promise<void> {
    await this.#locked(async () => {
      if (await this.exists()) {
        const doomed = this.paths.temporaryRepository();
        await moveFile(this.path, doomed); // gone at once, whatever happens to the rest
        await remove(doomed);
      }
      await remove(this.paths.lock);
      await Deno.remove(this.paths.publisherFolder).catch(() => {}); // it may have others
    });
  }

  async #checkSuccessor(signed: SignedManifest): Promise<void> {
    this.#checkOwner(signed);
    const { sequence } = signed.manifest;
    const current = await this.usableManifest();
    // It is in force, and what it lacks is fetched again: also where a newer one was seen.
    if (current && Buffer.compare(current.bytes, signed.bytes) === 0) return;
    const highest = await this.highestSequence();
    if (sequence < highest) throw rolledBack(sequence, highest);
    if (current?.manifest.sequence !== sequence) return;
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

  async #locked<T>(work: () => Promise<T>): Promise<T> {
    if (this.#locks > 0) return await work();
    using limit = deadline(LOCK_MS, `the lock of ${this.name}`);
    using _lock = await this.lock(limit);
    return await work();
  }
}

function rolledBack(sequence: number, highest: number): VerificationError {
  return new VerificationError(
    "rolled-back",
    `can't use a manifest with sequence number ${sequence}: ${highest} was seen before`,
    { hint: "the answer is out of date, or somebody replays it; ask again later" },
  );
}
