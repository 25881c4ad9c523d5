/**
 * Which of a publisher's machines have written a repository: a version vector, so that a publication
 * can be told from one that was made without knowing of it. Pure.
 *
 * @module
 */
import type { Manifest } from "./types.ts";

/** Most machines that a manifest names; beyond that those are left out that wrote longest ago. */
export const MAX_WRITERS = 16;

/** Machine -> the sequence number of the last publication that it made. */
export type Writers = Readonly<Record<string, number>>;

/**
 * How one publication stands to another: `behind` if the other was made by somebody who knew of all
 * that this one knew, `ahead` the other way round, `apart` if neither knew of the other.
 */
export type Standing = "same" | "behind" | "ahead" | "apart";

/** What is known of who wrote a publication; of one without this member, nothing. */
export function writersOf({ writers = {} }: Pick<Manifest, "writers">): Writers {
  return writers;
}

/** How a publication with these writers stands to one with the others. */
export function standing(these: Writers, others: Writers): Standing {
  const machines = [...new Set([...Object.keys(these), ...Object.keys(others)])];
  const behind = machines.some((machine) => (these[machine] ?? 0) < (others[machine] ?? 0));
  const ahead = machines.some((machine) => (these[machine] ?? 0) > (others[machine] ?? 0));
  return behind ? (ahead ? "apart" : "behind") : ahead ? "ahead" : "same";
}

/** The writers of a publication that knows of all of these. */
export function joinWriters(...known: readonly Writers[]): Writers {
  const joined = new Map<string, number>();
  for (const [machine, sequence] of known.flatMap((writers) => Object.entries(writers))) {
    joined.set(machine, Math.max(sequence, joined.get(machine) ?? 0));
  }
  const newest = [...joined].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
  return Object.fromEntries(newest.slice(0, MAX_WRITERS));
}
