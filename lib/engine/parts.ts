/**
 * What the engine's operations work with.
 *
 * @module
 */
import type { Counters } from "../common/counters.ts";
import type { Home } from "../common/home.ts";
import type { Mutex } from "../common/mutex.ts";
import type { Settings } from "../common/settings.ts";
import type { PublisherKey } from "../identity/keys.ts";
import type { Store } from "../store/store.ts";
import type { Transport } from "../transports/transport.ts";
import type { Seeder } from "./seeder.ts";

/** The joined parts: one user's key, settings and store, and the networks that are up. */
export interface EngineParts {
  readonly home: Home;
  readonly settings: Settings;
  readonly key: PublisherKey;
  readonly store: Store;
  readonly transports: readonly Transport[];
  readonly seeder: Seeder;
  /** Serialises changes to one repository. */
  readonly changes: Mutex;
  readonly dropped: Counters;
  readonly log: (message: string) => void;
}

/** The name under which one repository's work is serialised and coalesced. */
export function repositoryKey(publisher: string, name: string): string {
  return `${publisher}/${name}`;
}

/** Milliseconds until "nobody answers". */
export function answerTimeout(parts: { settings: Settings }): number {
  return parts.settings.get("network.timeout") * 1000;
}
