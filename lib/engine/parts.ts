/**
 * What the engine's operations work with.
 *
 * @module
 */
import type { Counters } from "../common/counters.ts";
import type { Home } from "../common/home.ts";
import type { Mutex } from "../common/mutex.ts";
import type { Settings } from "../common/settings.ts";
import { deadline, type Wait } from "../common/wait.ts";
import type { PublisherKey } from "../identity/keys.ts";
import type { Machine } from "../identity/machine.ts";
import type { Follows } from "../store/follows.ts";
import type { RefusedList } from "../store/refused.ts";
import type { Store } from "../store/store.ts";
import type { StoredRepository } from "../store/stored_repository.ts";
import type { OpenNetwork } from "../ports/network.ts";
import type { Passwords } from "./passwords.ts";
import type { Quota } from "./quota.ts";
import type { Seeder } from "./seeder.ts";

/** How long another process may hold a repository: it may be fetching a large one. */
const LOCK_MS = 600_000;

/** The joined parts: one user's key, settings and store, and the networks that are up. */
export interface EngineParts {
  readonly home: Home;
  readonly settings: Settings;
  readonly key: PublisherKey;
  /** This home, as distinct from others with the same key. */
  readonly machine: Machine;
  readonly passwords: Passwords;
  readonly store: Store;
  readonly networks: readonly OpenNetwork[];
  /** Why networks that were chosen are not among them, one line each. */
  readonly unopened?: readonly string[];
  readonly seeder: Seeder;
  readonly follows: Follows;
  readonly quota: Quota;
  readonly refused: RefusedList;
  /** Serialises changes to one repository. */
  readonly changes: Mutex;
  readonly dropped: Counters;
  readonly log: (message: string) => void;
}

/** The name under which one repository's work is serialised and coalesced. */
export function repositoryKey(publisher: string, name: string): string {
  return `${publisher}/${name}`;
}

/**
 * One change at a time to a repository, in this process and among all.
 *
 * @throws {StoreError} "repository-busy"
 */
export function changeRepository<T>(
  parts: EngineParts,
  repository: StoredRepository,
  wait: Wait,
  work: () => Promise<T>,
): Promise<T> {
  return parts.changes.run(repositoryKey(repository.publisher, repository.name), async () => {
    using limit = deadline(LOCK_MS, `the lock of ${repository.name}`, wait.signal);
    using _lock = await repository.lock(limit);
    return await work();
  }, wait.signal);
}

/** Milliseconds until "nobody answers". */
export function answerTimeout(parts: { settings: Settings }): number {
  return parts.settings.get("network.timeout") * 1000;
}
