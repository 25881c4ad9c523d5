/**
 * Whether others can fetch from this node: one answer for all networks together.
 *
 * @module
 */
import type { Reach, ReachKind } from "../ports/health.ts";
import type { OpenNetwork } from "../ports/network.ts";
import type { Verdict } from "./api.ts";

const REACHED: readonly ReachKind[] = ["open", "mapped", "hole-punching", "relay", "servers"];

/** By network: what each knows by now. */
export function reaches(networks: readonly OpenNetwork[]): Record<string, Reach> {
  return Object.fromEntries(networks.flatMap(({ scheme, health }) => {
    const reach = health.reach();
    return reach ? [[scheme, reach]] : [];
  }));
}

/**
 * Joins what the networks say: one by which everybody gets here is enough, and nobody does only if
 * that is known of all of them.
 *
 * @returns undefined if others fetch nothing from this node
 */
export function verdictOf(by: Readonly<Record<string, Reach>>): Verdict | undefined {
  const all = Object.entries(by);
  const some = all.filter(([, { how }]) => REACHED.includes(how));
  const full = some.filter(([, { limited }]) => !limited);
  if (full.length > 0) {
    return { who: "everybody", summary: `others can fetch from you: ${listed(full)}` };
  }
  if (some.length > 0) {
    const summary = `some others can fetch from you: ${listed(some)}`;
    return { who: "some", summary, ...hintOf(some) };
  }
  const unknown = all.filter(([, { how }]) => how === "unknown");
  if (unknown.length > 0) {
    const summary = `not known yet whether others can fetch from you: ${listed(unknown)}`;
    return { who: "unknown", summary, ...hintOf(unknown) };
  }
  const local = all.filter(([, { how }]) => how === "local");
  if (local.length > 0) {
    const summary = `others can fetch from you ${listed(local)}`;
    return { who: "local", summary, ...hintOf(local) };
  }
  if (all.length === 0) return undefined;
  return { who: "nobody", summary: `nobody can fetch from you: ${listed(all)}`, ...hintOf(all) };
}

/** "through its router by hole punching (holepunch), ...". */
function listed(entries: readonly (readonly [string, Reach])[]): string {
  return entries.map(([scheme, { summary }]) => `${summary} (${scheme})`).join("; ");
}

function hintOf(entries: readonly (readonly [string, Reach])[]): { hint?: string } {
  const hints = new Set(entries.flatMap(([, { hint }]) => hint ?? []));
  return hints.size === 0 ? {} : { hint: [...hints].join("; or ") };
}
