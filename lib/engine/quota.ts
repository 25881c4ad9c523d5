/**
 * How much of others' repositories the store may hold.
 *
 * Sizes are signed in the manifest, so what doesn't fit is refused before a byte of it is fetched.
 * Room is made by evicting copies that were only cloned, the least recently used first.
 *
 * @module
 */
import { type GtrError, RequestError, toGtrError, VerificationError } from "../common/errors.ts";
import { Mutex } from "../common/mutex.ts";
import { isAnnounced } from "../manifest/flow.ts";
import type { Manifest, PackRef } from "../manifest/types.ts";
import type { StoredRepository } from "../store/stored_repository.ts";
import { type EngineParts, repositoryKey } from "./parts.ts";

/** A copy used so recently, in seconds, may still be linked into a clone. */
const IN_USE_SECONDS = 60;

/** What git says beside the objects, and packs that are made less well on the spot, in bytes. */
const SLACK_BYTES = 1 << 20;

type QuotaParts = Pick<EngineParts, "settings" | "store" | "key" | "follows" | "log"> & {
  readonly seeder: Pick<EngineParts["seeder"], "forget">;
};

/** What a live peer may send. */
export interface Room {
  readonly bytes: number;
  /** The error for what is more. */
  readonly exceeded: () => GtrError;
}

/** A copy of someone else's repository. */
interface Copy {
  readonly repository: StoredRepository;
  readonly bytes: number;
  readonly lastUsed: number;
}

/** Keeps the settings `store.quota` and `store.repositoryQuota`. */
export class Quota {
  readonly #parts: QuotaParts;
  /** Repository -> bytes that are being fetched for it. */
  readonly #reserved = new Map<string, number>();
  /** Repositories whose newest state did not fit. */
  readonly #refused = new Set<string>();
  readonly #turns = new Mutex();

  constructor(parts: QuotaParts) {
    this.#parts = parts;
  }

  /**
   * Makes room for packs that are about to be fetched. Until the result is disposed of, nothing else
   * is given that room. To be called with the repository's lock held.
   *
   * @throws {RequestError} "over-quota"
   */
  reserve(
    repository: StoredRepository,
    manifest: Manifest,
    missing: readonly Pick<PackRef, "size">[],
  ): Promise<Disposable> {
    return this.#turns.run("", async () => {
      const key = keyOf(repository);
      const own = repository.publisher === this.#parts.key.publicKeyHex;
      const bytes = own ? 0 : total(missing);
      if (bytes > 0) {
        this.#refused.add(key);
        this.#checkSize(manifest);
        await this.#makeRoom(repository, bytes);
      }
      this.#refused.delete(key);
      this.#reserved.set(key, bytes);
      return { [Symbol.dispose]: () => void this.#reserved.delete(key) };
    });
  }

  /**
   * How many bytes a live peer may send for a manifest. Nobody has signed how many it takes: at most
   * as many as its packs have, where it lists any, and what there can be room for.
   *
   * @throws {RequestError} "over-quota" where there is none
   */
  async room(repository: StoredRepository, manifest: Manifest): Promise<Room> {
    const { key, settings } = this.#parts;
    const listed = isAnnounced(manifest) ? Infinity : total(manifest.packs) + SLACK_BYTES;
    const ofPacks: Room = {
      bytes: listed,
      exceeded: () =>
        new VerificationError(
          "oversized-stream",
          `can't use a live peer: it sends more than all packs of ${repository.name} have`,
        ),
    };
    if (repository.publisher === key.publicKeyHex) return ofPacks;
    const copies = await this.#copies();
    const held = copies.find((copy) => keyOf(copy.repository) === keyOf(repository))?.bytes ?? 0;
    const most = settings.get("store.repositoryQuota") || Infinity;
    const all = settings.get("store.quota") || Infinity;
    const evictable = await this.#evictable(copies, repository);
    const used = sum(copies) + this.#reservedBytes() - sum(evictable);
    const room = Math.min(most - held, all - used);
    const exceeded = () => {
      this.#refused.add(keyOf(repository));
      return new RequestError(
        "over-quota",
        `can't fetch ${repository.name}: it takes more than the ${Math.max(0, room)} bytes that ` +
          "store.quota and store.repositoryQuota leave",
        { hint: "gtr config store.quota and store.repositoryQuota allow more" },
      );
    };
    if (room <= 0) throw exceeded();
    return room < listed ? { bytes: room, exceeded } : ofPacks;
  }

  /** Whether a repository has outgrown its quota, or its newest state was refused. */
  isOver(repository: StoredRepository, manifest: Manifest): boolean {
    const { key, settings } = this.#parts;
    if (repository.publisher === key.publicKeyHex) return false;
    const most = settings.get("store.repositoryQuota");
    return this.#refused.has(keyOf(repository)) || (most > 0 && total(manifest.packs) > most);
  }

  /** Bytes of others' repositories in the store. */
  async used(): Promise<number> {
    return sum(await this.#copies());
  }

  #checkSize({ name, packs }: Manifest): void {
    const most = this.#parts.settings.get("store.repositoryQuota");
    const bytes = total(packs);
    if (most === 0 || bytes <= most) return;
    throw new RequestError(
      "over-quota",
      `can't fetch ${name}: it has ${bytes} bytes and store.repositoryQuota is ${most}`,
      { hint: "gtr config store.repositoryQuota <bytes> allows more, 0 any size" },
    );
  }

  async #makeRoom(repository: StoredRepository, bytes: number): Promise<void> {
    const most = this.#parts.settings.get("store.quota");
    if (most === 0) return;
    const copies = await this.#copies();
    const used = sum(copies) + this.#reservedBytes();
    let excess = used + bytes - most;
    if (excess <= 0) return;
    const evictable = await this.#evictable(copies, repository);
    if (sum(evictable) >= excess) {
      for (const copy of evictable) {
        if (excess <= 0) break;
        if (await this.#evict(copy)) excess -= copy.bytes;
      }
    }
    if (excess <= 0) return;
    throw new RequestError(
      "over-quota",
      `can't fetch ${repository.name}: ${bytes} bytes are missing, ${used} of others are here, ` +
        `and store.quota is ${most}`,
      { hint: "gtr config store.quota <bytes> allows more; gtr unfollow makes room" },
    );
  }

  #reservedBytes(): number {
    return [...this.#reserved.values()].reduce((sum, bytes) => sum + bytes, 0);
  }

  /** Copies that nobody asked to keep, the least recently used first. */
  async #evictable(copies: readonly Copy[], wanted: StoredRepository): Promise<Copy[]> {
    const kept = new Set((await this.#parts.follows.list()).map(keyOf));
    const latest = Date.now() / 1000 - IN_USE_SECONDS;
    return copies
      .filter(({ repository, lastUsed }) => {
        const key = keyOf(repository);
        return !kept.has(key) && !this.#reserved.has(key) && key !== keyOf(wanted) &&
          lastUsed < latest;
      })
      .sort((a, b) => a.lastUsed - b.lastUsed);
  }

  /** Removes a copy unless somebody is at it; says whether it did. */
  async #evict({ repository, bytes, lastUsed }: Copy): Promise<boolean> {
    const { seeder, log } = this.#parts;
    try {
      // Waiting for it could be waiting for each other: we hold the lock of another one.
      using lock = await repository.tryLock();
      if (!lock) return false;
      const signed = await repository.usableManifest();
      await repository.purge();
      await seeder.forget(repository, signed?.manifest);
      const when = lastUsed > 0 ? new Date(lastUsed * 1000).toISOString().slice(0, 10) : "never";
      log(`evicted ${repository.name}: ${bytes} bytes, last used ${when}`);
      return true;
    } catch (error) {
      log(`can't evict ${repository.name}: ${toGtrError(error).message}`);
      return false;
    }
  }

  async #copies(): Promise<Copy[]> {
    const others = (await this.#parts.store.repositories())
      .filter(({ publisher }) => publisher !== this.#parts.key.publicKeyHex);
    return await Promise.all(others.map(async (repository) => {
      const state = await repository.state().catch(() => undefined); // damaged: mended when fetched
      if (!state) return { repository, bytes: 0, lastUsed: 0 };
      const retired = state.retired.map(({ pack }) => pack);
      return {
        repository,
        bytes: total(state.packs) + total(retired),
        lastUsed: state.lastUsed,
      };
    }));
  }
}

function keyOf({ publisher, name }: { publisher: string; name: string }): string {
  return repositoryKey(publisher, name);
}

function sum(copies: readonly Copy[]): number {
  return copies.reduce((bytes, copy) => bytes + copy.bytes, 0);
}

function total(packs: readonly Pick<PackRef, "size">[]): number {
  return packs.reduce((sum, { size }) => sum + size, 0);
}
