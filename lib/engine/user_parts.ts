/**
 * What is one user's, whether networks are up or not.
 *
 * @module
 */
import type { Counters } from "../common/counters.ts";
import type { Home } from "../common/home.ts";
import type { Settings } from "../common/settings.ts";
import type { PublisherKey } from "../identity/keys.ts";
import type { Machine } from "../identity/machine.ts";
import type { Follows } from "../store/follows.ts";
import type { Store } from "../store/store.ts";
import type { Passwords } from "./passwords.ts";

/** One user's key, settings and store. */
export interface UserParts {
  readonly home: Home;
  readonly settings: Settings;
  readonly key: PublisherKey;
  /** This home, as distinct from others with the same key. */
  readonly machine: Machine;
  readonly passwords: Passwords;
  readonly store: Store;
  readonly follows: Follows;
  readonly dropped: Counters;
  readonly log: (message: string) => void;
}

/** The name under which one repository's work is serialised and coalesced. */
export function repositoryKey(publisher: string, name: string): string {
  return `${publisher}/${name}`;
}
