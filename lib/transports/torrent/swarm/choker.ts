/**
 * Which peers are served. Pure.
 *
 * @module
 */

/** A peer that wants something of us. */
export interface Applicant<P> {
  readonly peer: P;
  /** Bytes per second that it gives to us, and takes from us. */
  readonly downloadRate: number;
  readonly uploadRate: number;
  /** When it was last unchoked, on any clock; 0 for never. */
  readonly servedAt: number;
}

/**
 * Fills the upload slots: the peers that give most first, then those that take fastest (a seed has
 * nothing to get). One slot goes to whoever has waited longest, so that everybody's turn comes
 * (optimistic unchoke, BEP 3).
 *
 * @returns at most `slots` peers; all of them where there are not more
 */
export function chooseUnchoked<P>(applicants: readonly Applicant<P>[], slots: number): Set<P> {
  if (applicants.length <= slots) return new Set(applicants.map((a) => a.peer));
  const byMerit = [...applicants].sort((a, b) =>
    b.downloadRate - a.downloadRate || b.uploadRate - a.uploadRate || a.servedAt - b.servedAt
  );
  const chosen = byMerit.slice(0, Math.max(0, slots - 1));
  const waiting = byMerit.slice(chosen.length).sort((a, b) => a.servedAt - b.servedAt);
  return new Set([...chosen, ...waiting.slice(0, slots - chosen.length)].map((a) => a.peer));
}
