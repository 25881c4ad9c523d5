/**
 * Which of several states is the repository's.
 *
 * @module
 */
import type { Manifest } from "../../../manifest/types.ts";
import { newestFirst } from "../events/event.ts";
import type { SignedAnnouncement } from "./announcement.ts";
import type { SignedState } from "./state.ts";

/** Most keys whose states count: chains of maintainers end there. */
export const MAX_KEYS = 64;

/**
 * The keys whose announcements and states of a repository count: its owner's, those that the owner's
 * announcement names as maintainers, those that theirs name, and so on (NIP-34). Nearest first; cycles
 * do no harm.
 */
export function maintainersOf(
  owner: string,
  identifier: string,
  announcements: readonly SignedAnnouncement[],
): string[] {
  const named = new Map(
    announcements.filter((one) => one.identifier === identifier)
      .map((one) => [one.event.pubkey, one.maintainers]),
  );
  const keys = new Set([owner]);
  for (const key of keys) { // grows while it is gone through
    for (const maintainer of named.get(key) ?? []) {
      if (keys.size < MAX_KEYS) keys.add(maintainer);
    }
  }
  return [...keys];
}

/**
 * The newest state by one of `keys`, that is not refused; of those of the same second, the one whose
 * event has the lowest id, so that everyone chooses alike.
 *
 * @param refuse why a state can't be used: told to `dropped`
 */
export function chooseState(
  states: readonly SignedState[],
  identifier: string,
  keys: readonly string[],
  refuse: (state: SignedState) => string | undefined,
  dropped: (reason: string) => void,
): SignedState | undefined {
  const inOrder = [...states].sort((a, b) => newestFirst(a.event, b.event));
  return inOrder.find((state) => {
    const foreign = state.identifier !== identifier || !keys.includes(state.event.pubkey);
    const fault = foreign ? "foreign-state" : refuse(state);
    if (fault !== undefined) dropped(fault);
    return fault === undefined;
  });
}

/**
 * The first ref about which a state and the manifest that it carries disagree, or undefined where they
 * say the same of every branch and tag, and of HEAD.
 */
export function disagreement(state: SignedState, manifest: Manifest): string | undefined {
  const shared = Object.keys(manifest.refs).filter((name) => /^refs\/(?:heads|tags)\//.test(name));
  const names = new Set([...state.refs.keys(), ...shared]);
  for (const name of names) {
    const stated = state.refs.get(name);
    const signed = Object.hasOwn(manifest.refs, name) ? manifest.refs[name] : undefined;
    if (stated !== signed) return name;
  }
  return state.head === manifest.head ? undefined : "HEAD";
}
