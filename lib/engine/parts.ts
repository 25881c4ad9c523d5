/**
 * What the engine's operations work with.
 *
 * @module
 */
import type { Mutex } from "../common/mutex.ts";
import type { Settings } from "../common/settings.ts";
import { deadline, type Wait } from "../common/wait.ts";
import type { RefusedList } from "../store/refused.ts";
import type { StoredRepository } from "../store/stored_repository.ts";
import type { OpenNetwork } from "../ports/network.ts";
import type { Quota } from "./keep/quota.ts";
import type { Seeder } from "./keep/seeder.ts";
import { repositoryKey, type UserParts } from "./user_parts.ts";

/** How long another process may hold a repository: it may be fetching a large one. */
const LOCK_MS = 600_000;

/** The joined parts: what is one user's, and the networks that are up. */
export interface EngineParts extends UserParts {
  readonly networks: readonly OpenNetwork[];
  /** Why networks that were chosen are not among them, one line each. */
  readonly unopened?: readonly string[];
  readonly seeder: Seeder;
  readonly quota: Quota;
  readonly refused: RefusedList;
  /** Serialises changes to one repository. */
  readonly changes: Mutex;
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
