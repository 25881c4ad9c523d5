/**
 * How much of others' repositories the store may hold, and what they leave free of the disk.
 *
 * Sizes are signed in the manifest, so what doesn't fit is refused before a byte of it is fetched.
 * What counts are the bytes that files take on the disk, unfinished packs included. Room is made by
 * giving up unfinished packs, and by evicting copies that were only cloned, the least recently used
 * first.
 *
 * @module
 */
import { type GtrError, RequestError, toGtrError, VerificationError } from "../../common/errors.ts";
import { Mutex } from "../../common/mutex.ts";
import { isAnnounced } from "../../manifest/flow.ts";
import type { Manifest, PackRef } from "../../manifest/types.ts";
import { sumOf } from "../../store/disk_usage.ts";
import type { StoredRepository } from "../../store/stored_repository.ts";
import { Copies, type Copy } from "./copies.ts";
import { diskFull, freeDisk, watchFreeDisk } from "./free_disk.ts";
import type { Seeder } from "./seeder.ts";
import { repositoryKey, type UserParts } from "../user_parts.ts";

/**
 * A copy used so recently, in seconds, may still be linked into a clone. Twice the minute to which
 * use is noted.
 */
const IN_USE_SECONDS = 120;

/** What git says beside the objects, and packs that are made less well on the spot, in bytes. */
const SLACK_BYTES = 1 << 20;

type QuotaParts = Pick<UserParts, "home" | "settings" | "store" | "key" | "follows" | "log"> & {
  readonly seeder: Pick<Seeder, "forget">;
};

/** Room for packs. Dispose it once they are in the store, or given up. */
export interface Reservation extends Disposable {
  /** Aborts if others fill the disk meanwhile. */
  readonly signal: AbortSignal;
  /**
   * Takes so many bytes more, for another copy of a pack; a negative number gives them back.
   *
   * @returns false if there is no room
   */
  readonly spare: (bytes: number) => boolean;
}

/** What a live peer may send. Dispose it once that has come. */
export interface Room extends Disposable {
  readonly bytes: number;
  /** Aborts if others fill the disk meanwhile. */
  readonly signal: AbortSignal;
  /** The error for what is more. */
  readonly exceeded: () => GtrError;
}

/** What can be removed. */
interface Evictable extends Copy {
  /** All of the repository, or only what was fetched of packs. */
  readonly what: "copy" | "unfinished packs";
  readonly lastUsed: number;
}

/** What is being fetched. */
interface Plan {
  /** What the repository will take in the end, or while there are several copies of a pack. */
  bytes: number;
  /** What it takes at most before: git makes a pack of its own of each that was fetched. */
  peak: number;
}

const NEVER = new AbortController().signal;
const NO_LIMIT: Reservation = { signal: NEVER, spare: () => true, [Symbol.dispose]: () => {} };

/** Keeps the settings `store.quota`, `store.repositoryQuota` and `store.freeDisk`. */
export class Quota {
  readonly #parts: QuotaParts;
  /** Repository -> what is being fetched for it. */
  readonly #plans = new Map<string, Plan>();
  /** Repositories whose newest state did not fit. */
  readonly #refused = new Set<string>();
  readonly #turns = new Mutex();
  readonly #copies: Copies;
  /** Bytes beyond all plans: those that fetch at the same time share them. */
  #left = 0;

  constructor(parts: QuotaParts) {
    this.#parts = parts;
    this.#copies = new Copies(parts.store, parts.key.publicKeyHex);
  }

  /**
   * Makes room for packs that are about to be fetched. Until the result is disposed of, nothing else
   * is given that room. What was fetched of other packs is given up. To be called with the
   * repository's lock held.
   *
   * @throws {RequestError} "over-quota"
   * @throws {StoreError} "disk-full"
   */
  reserve(
    repository: StoredRepository,
    manifest: Manifest,
    missing: readonly Pick<PackRef, "size" | "sha256">[],
  ): Promise<Reservation> {
    return this.#turns.run("", async () => {
      const key = keyOf(repository);
      const bytes = total(missing);
      if (repository.publisher === this.#parts.key.publicKeyHex || bytes === 0) {
        this.#refused.delete(key);
        return NO_LIMIT;
      }
      this.#checkSize(manifest);
      await repository.dropUnfinished(missing.map(({ sha256 }) => sha256));
      const here = (await Promise.all(missing.map((pack) => repository.fetchedBytes(pack))))
        .reduce((sum, fetched) => sum + fetched, 0);
      const copies = await this.#copies.recent(repository);
      const now = copies.find((copy) => keyOf(copy.repository) === key)?.usage.bytes ?? 0;
      const plan = { bytes: now - here + bytes, peak: now - here + 2 * bytes };
      this.#left = await this.#makeRoom(repository, copies, plan, now);
      this.#refused.delete(key);
      this.#plans.set(key, plan);
      const watch = watchFreeDisk(this.#parts, repository.name);
      return {
        signal: watch.signal,
        spare: (more) => {
          if (more > this.#left) return false;
          this.#left -= more;
          plan.bytes += more;
          plan.peak += more;
          return true;
        },
        [Symbol.dispose]: () => {
          watch[Symbol.dispose]();
          this.#plans.delete(key);
          this.#copies.changed(repository);
        },
      };
    });
  }

  /**
   * How many bytes a live peer may send for a manifest. Nobody has signed how many it takes: at most
   * as many as its packs have, if it lists any, and what there can be room for.
   *
   * @throws {RequestError} "over-quota" if there is none
   * @throws {StoreError} "disk-full"
   */
  async room(repository: StoredRepository, manifest: Manifest): Promise<Room> {
    const { key, settings } = this.#parts;
    const { name } = repository;
    const listed = isAnnounced(manifest) ? Infinity : total(manifest.packs) + SLACK_BYTES;
    const tooMuch = () =>
      new VerificationError(
        "oversized-stream",
        `can't use a live peer: it sends more than all packs of ${name} have`,
      );
    if (repository.publisher === key.publicKeyHex) {
      return { bytes: listed, exceeded: tooMuch, signal: NEVER, [Symbol.dispose]: () => {} };
    }
    let copies = await this.#copies.recent(repository);
    const held = copies.find((copy) => keyOf(copy.repository) === keyOf(repository));
    const one = (settings.get("store.repositoryQuota") || Infinity) - (held?.usage.bytes ?? 0);
    const { free, floor } = await freeDisk(this.#parts);
    const left = () => ({
      all: (settings.get("store.quota") || Infinity) - this.#used(copies),
      disk: free - floor - this.#coming(copies),
    });
    const isScarce = () => Math.min(...Object.values(left())) < Math.min(one, listed);
    if (isScarce()) copies = await this.#copies.all();
    const evictable = isScarce() ? await this.#evictable(copies, repository) : [];
    const most = sumOf(evictable.map(({ usage }) => usage));
    const quota = Math.min(one, left().all + most.bytes);
    const disk = left().disk + most.freeable;
    const overQuota = () =>
      this.#overQuota(
        repository,
        `it takes more than the ${Math.max(0, quota)} bytes that store.quota and ` +
          "store.repositoryQuota leave",
        "gtr config store.quota and store.repositoryQuota allow more",
      );
    const full = () => diskFull(name, "it", { free, floor });
    const bytes = Math.min(listed, quota, disk);
    const exceeded = bytes === listed ? tooMuch : bytes === quota ? overQuota : full;
    if (bytes <= 0) throw exceeded();
    return { bytes, exceeded, ...watchFreeDisk(this.#parts, name) };
  }

  /**
   * Makes room for what has come live, which is on the disk already. To be called with the
   * repository's lock held.
   *
   * @throws {RequestError} "over-quota"
   * @throws {StoreError} "disk-full"
   */
  async settle(repository: StoredRepository, manifest: Manifest): Promise<void> {
    if (repository.publisher === this.#parts.key.publicKeyHex) return;
    await this.#turns.run("", async () => {
      const key = keyOf(repository);
      this.#checkSize(manifest);
      const copies = await this.#copies.recent(repository);
      const bytes = copies.find((copy) => keyOf(copy.repository) === key)?.usage.bytes ?? 0;
      this.#left = await this.#makeRoom(repository, copies, { bytes, peak: bytes }, bytes);
      this.#refused.delete(key);
    });
  }

  /** Whether a repository has outgrown its quota, or its newest state was refused. */
  isOver(repository: StoredRepository, manifest: Manifest): boolean {
    const { key, settings } = this.#parts;
    if (repository.publisher === key.publicKeyHex) return false;
    const most = settings.get("store.repositoryQuota");
    return this.#refused.has(keyOf(repository)) || (most > 0 && total(manifest.packs) > most);
  }

  /** Bytes that others' repositories take on the disk. */
  async used(): Promise<number> {
    return sumOf((await this.#copies.all()).map(({ usage }) => usage)).bytes;
  }

  #checkSize(manifest: Manifest): void {
    const most = this.#parts.settings.get("store.repositoryQuota");
    const bytes = total(manifest.packs);
    if (most === 0 || bytes <= most) return;
    throw this.#overQuota(
      manifest,
      `it has ${bytes} bytes and store.repositoryQuota is ${most}`,
      "gtr config store.repositoryQuota <bytes> allows more, 0 any size",
    );
  }

  /** The error for what a quota doesn't allow; it is remembered that this is the reason. */
  #overQuota(what: { publisher: string; name: string }, why: string, hint: string): RequestError {
    this.#refused.add(keyOf(what));
    return new RequestError("over-quota", `can't fetch ${what.name}: ${why}`, { hint });
  }

  /**
   * Removes what has to go.
   *
   * @param now bytes of the repository, of those in `plan`
   * @returns how many bytes are left beyond the plan
   */
  async #makeRoom(
    repository: StoredRepository,
    recent: readonly Copy[],
    plan: Plan,
    now: number,
  ): Promise<number> {
    const quota = this.#parts.settings.get("store.quota") || Infinity;
    const disk = await freeDisk(this.#parts);
    const over = (copies: readonly Copy[]) => ({
      overQuota: this.#used(copies) + plan.bytes - now - quota,
      overDisk: this.#coming(copies) + plan.peak - now + disk.floor - disk.free,
    });
    const isOver = Math.max(...Object.values(over(recent))) > 0;
    const copies = isOver ? await this.#copies.all() : recent;
    let { overQuota, overDisk } = over(copies);
    if (overQuota > 0 || overDisk > 0) {
      const evictable = await this.#evictable(copies, repository);
      const most = sumOf(evictable.map(({ usage }) => usage));
      const isEnough = most.bytes >= overQuota && most.freeable >= overDisk;
      for (const one of isEnough ? evictable : []) {
        const { bytes, freeable } = one.usage;
        const helps = (overQuota > 0 && bytes > 0) || (overDisk > 0 && freeable > 0);
        if (!helps || !await this.#evict(one)) continue;
        overQuota -= bytes;
        overDisk -= freeable;
      }
    }
    if (overDisk > 0) throw diskFull(repository.name, `${plan.peak - now} bytes`, disk);
    if (overQuota > 0) {
      throw this.#overQuota(
        repository,
        `${plan.bytes - now} bytes are missing, ${
          this.#used(copies)
        } of others are here, and store.quota is ${quota}`,
        "gtr config store.quota <bytes> allows more; gtr unfollow makes room",
      );
    }
    return -Math.max(overQuota, overDisk);
  }

  /** What all of them take, with what is being fetched. */
  #used(copies: readonly Copy[]): number {
    const unplanned = copies.filter(({ repository }) => !this.#plans.has(keyOf(repository)));
    const planned = this.#plans.values().reduce((sum, { bytes }) => sum + bytes, 0);
    return planned + sumOf(unplanned.map(({ usage }) => usage)).bytes;
  }

  /** What is still to be written of what is being fetched. */
  #coming(copies: readonly Copy[]): number {
    // Of a first one there is nothing yet, not even a repository.
    const here = new Map(copies.map(({ repository, usage }) => [keyOf(repository), usage.bytes]));
    return this.#plans.entries().reduce((sum, [key, { peak }]) => {
      return sum + Math.max(0, peak - (here.get(key) ?? 0));
    }, 0);
  }

  /** What nobody asked to keep, in the order in which it has to go. */
  async #evictable(copies: readonly Copy[], wanted: StoredRepository): Promise<Evictable[]> {
    const kept = new Set((await this.#parts.follows.list()).map(keyOf));
    const latest = Date.now() / 1000 - IN_USE_SECONDS;
    const found = await Promise.all(copies.map(async ({ repository, usage }) => {
      const key = keyOf(repository);
      if (key === keyOf(wanted) || this.#plans.has(key)) return [];
      const state = await repository.state().catch(() => undefined); // damaged: mended when fetched
      const lastUsed = state?.lastUsed ?? 0;
      const unfinished = await repository.unfinished();
      const rest = {
        bytes: usage.bytes - unfinished.bytes,
        freeable: usage.freeable - unfinished.freeable,
      };
      const evictable: Evictable[] = [];
      if (unfinished.bytes > 0) {
        evictable.push({ repository, usage: unfinished, what: "unfinished packs", lastUsed });
      }
      if (!kept.has(key) && lastUsed < latest) {
        evictable.push({ repository, usage: rest, what: "copy", lastUsed });
      }
      return evictable;
    }));
    const rank = ({ what }: Evictable) => Number(what === "copy");
    return found.flat().sort((a, b) => rank(a) - rank(b) || a.lastUsed - b.lastUsed);
  }

  /** Removes it unless somebody is at it; says whether it did. */
  async #evict({ repository, usage, what, lastUsed }: Evictable): Promise<boolean> {
    const { seeder, log } = this.#parts;
    const { name } = repository;
    try {
      // Waiting for it could be waiting for each other: we hold the lock of another one.
      using lock = await repository.tryLock();
      if (!lock) return false;
      this.#copies.changed(repository);
      if (what === "unfinished packs") {
        await repository.dropUnfinished();
        log(`gave up unfinished packs of ${name}: ${usage.bytes} bytes`);
        return true;
      }
      const state = await repository.state().catch(() => undefined);
      if ((state?.lastUsed ?? 0) !== lastUsed) return false; // used meanwhile
      const signed = await repository.usableManifest();
      await repository.purge();
      await seeder.forget(repository, signed?.manifest);
      const when = lastUsed > 0 ? new Date(lastUsed * 1000).toISOString().slice(0, 10) : "never";
      log(`evicted ${name}: ${usage.bytes} bytes, last used ${when}`);
      return true;
    } catch (error) {
      log(`can't evict ${name}: ${toGtrError(error).message}`);
      return false;
    }
  }
}

function keyOf({ publisher, name }: { publisher: string; name: string }): string {
  return repositoryKey(publisher, name);
}

function total(packs: readonly Pick<PackRef, "size">[]): number {
  return packs.reduce((sum, { size }) => sum + size, 0);
}
