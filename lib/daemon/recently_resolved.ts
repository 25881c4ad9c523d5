/**
 * What was resolved just now: who lists a repository's refs fetches next.
 *
 * @module
 */
import type { Resolved } from "../engine/fetch/resolve.ts";

/** How long an answer is good for, in milliseconds: git lists and fetches at once. */
const FRESH_MS = 30_000;
const MAX_KEPT = 16;

/** The last few answers, by the address that was asked for. */
export class RecentlyResolved {
  readonly #kept = new Map<string, { resolved: Resolved; at: number }>();
  readonly #now: () => number;

  /** `now` is a clock in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  add(url: string, resolved: Resolved): void {
    this.#kept.delete(url);
    this.#kept.set(url, { resolved, at: this.#now() });
    if (this.#kept.size > MAX_KEPT) this.#kept.delete(this.#kept.keys().next().value!);
  }

  /** The answer with this sequence number, if it was given and is not old. */
  get(url: string, sequence: number): Resolved | undefined {
    const found = this.#kept.get(url);
    if (!found || this.#now() - found.at > FRESH_MS) return undefined;
    return found.resolved.signed.manifest.sequence === sequence ? found.resolved : undefined;
  }
}
