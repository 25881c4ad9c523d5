/**
 * When each followed repository is asked about next. Pure: the time is given, nothing is waited for.
 *
 * @module
 */

/** After a change the next one may be near, in milliseconds. */
const SHORTEST_MS = 30_000;
/** While nothing changes, or nobody answers. */
const LONGEST_MS = 30 * 60_000;
/** So long after asking, a notice is acted on at the earliest. */
const NOTICE_GAP_MS = 1000;

/** How asking about a repository ended; "skipped" for news that was of no concern. */
export type Outcome = "changed" | "skipped" | "same" | "failed";

interface Entry {
  /** The next regular time. */
  dueAt: number;
  /** Milliseconds to the one after. */
  intervalMs: number;
  asking: boolean;
  askedAt: number;
  /** A notice that came while asking, or too soon after. */
  noticed: boolean;
  /** Notices in a row that nothing new was behind. */
  vain: number;
}

/**
 * The times of any number of repositories. They are asked about at once when they are new here, then
 * at intervals that double from 30 seconds to 30 minutes until something has changed; each varies by
 * a quarter, so that not all followers ask together. A notice makes a repository due at once, but
 * whoever sends false ones is believed less and less: the gap between acting on them doubles too.
 *
 * All times are milliseconds of one clock.
 */
export class FollowSchedule {
  readonly #entries = new Map<string, Entry>();
  readonly #random: () => number;

  /** @param random from 0 up to 1 */
  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  /** These repositories and no others: new ones are due now. */
  set(keys: Iterable<string>, now: number): void {
    const wanted = new Set(keys);
    for (const key of this.#entries.keys()) if (!wanted.has(key)) this.#entries.delete(key);
    for (const key of wanted) {
      if (this.#entries.has(key)) continue;
      this.#entries.set(key, {
        dueAt: now,
        intervalMs: SHORTEST_MS,
        asking: false,
        askedAt: -Infinity,
        noticed: false,
        vain: 0,
      });
    }
  }

  /** Somebody says that there is something new. */
  notice(key: string): void {
    const entry = this.#entries.get(key);
    if (entry) entry.noticed = true;
  }

  /** At most `count` repositories that are due, the longest waiting first; each is being asked then. */
  take(count: number, now: number): string[] {
    const due = [...this.#entries]
      .filter(([, entry]) => timeOf(entry) <= now)
      .sort(([, a], [, b]) => timeOf(a) - timeOf(b))
      .slice(0, Math.max(0, count));
    for (const [, entry] of due) {
      entry.asking = true;
      entry.askedAt = now;
      if (entry.noticed) entry.vain++; // until it proves true
      entry.noticed = false;
    }
    return due.map(([key]) => key);
  }

  /** Asking about it has ended. */
  ended(key: string, outcome: Outcome, now: number): void {
    const entry = this.#entries.get(key);
    if (!entry?.asking) return;
    entry.asking = false;
    // News of no concern makes nothing come sooner, but whoever told of it spoke the truth.
    if (outcome === "changed" || outcome === "skipped") entry.vain = 0;
    if (outcome === "changed") entry.intervalMs = SHORTEST_MS;
    entry.dueAt = now + entry.intervalMs * (0.75 + this.#random() / 2);
    entry.intervalMs = Math.min(LONGEST_MS, entry.intervalMs * 2);
  }

  /** When something is due next; Infinity for never, until something ends or is noticed. */
  nextAt(): number {
    return Math.min(Infinity, ...[...this.#entries.values()].map(timeOf));
  }
}

function timeOf(entry: Entry): number {
  if (entry.asking) return Infinity;
  if (!entry.noticed) return entry.dueAt;
  const gap = Math.min(LONGEST_MS, NOTICE_GAP_MS * 2 ** entry.vain);
  return Math.min(entry.dueAt, entry.askedAt + gap);
}
