/**
 * What this node publishes of one repository, and how far that has come.
 *
 * @module
 */
import { RequestError } from "../../../common/errors.ts";
import type { PackFile } from "../../../manifest/pack_file.ts";
import type { SignedManifest } from "../../../manifest/types.ts";
import type { NostrEvent } from "../events/event.ts";
import type { NostrAddress } from "../names/address.ts";
import {
  eventsOf,
  readEvents,
  type RepositoryEvents,
  type RepositoryLookup,
} from "../repositories/lookup.ts";

/** One publication on its way. */
export interface Publication {
  readonly signed: SignedManifest;
  readonly packs: readonly PackFile[];
  /** In the order in which relays get them; undefined until signed. */
  events?: readonly NostrEvent[];
  /** Relays that have all of them. */
  readonly delivered: Set<string>;
  /** GRASP servers that have it. */
  readonly grasped: Set<string>;
  /** Aborted once a newer one has come, or none is wanted any more. */
  readonly replaced: AbortController;
  /** Servers refused some of its packs. */
  lacking: boolean;
  /** The id of its state, once that is signed. */
  stated?: string;
  /** It doesn't name the Nostr key, so nobody would believe it: the next one will. */
  unbound?: boolean;
}

/** The publication that takes the place of `before`, of the same repository: it ends what that still does. */
export function supersede(
  before: Publication | undefined,
  signed: SignedManifest,
  packs: readonly PackFile[],
): Publication {
  if (before?.signed.manifest.sequence === signed.manifest.sequence) return { ...before, packs };
  before?.replaced.abort();
  return {
    signed,
    packs,
    events: before?.events,
    delivered: new Set(),
    grasped: new Set(),
    replaced: new AbortController(),
    lacking: false,
  };
}

/** Has relays and servers be given it again, by `isOther` with events of another key. */
export function beginAgain(publication: Publication, isOther = false): void {
  if (isOther) publication.events = publication.stated = undefined;
  publication.delivered.clear();
  publication.grasped.clear();
}

/** Whether some that are to have it don't have it yet. */
export function isBehind(
  { delivered, grasped, lacking, unbound }: Publication,
  relays: readonly string[],
  grasp: readonly string[],
): boolean {
  return !unbound && (lacking || grasp.some((server) => !grasped.has(server)) ||
    relays.some((url) => !delivered.has(url)));
}

/**
 * What was signed before, and what relays have: other programs may have changed it since.
 *
 * @param enough relays after whose answers slow ones aren't waited for
 * @throws {NetworkError} "unreachable" where neither is known: to sign then might undo what others did
 * @throws {RequestError} "changed-elsewhere" where another program has replaced what is published
 */
export async function publishedBefore(
  { signed: { manifest }, events = [], stated }: Publication,
  lookup: RepositoryLookup,
  address: NostrAddress,
  enough: number,
  signal: AbortSignal,
): Promise<RepositoryEvents> {
  const found = await lookup.ask(address, signal, enough).catch((error) => {
    if (events.length === 0) throw error;
    return undefined;
  });
  signal.throwIfAborted();
  const known = [...events, ...found ? eventsOf(found) : []];
  const before = readEvents(known, address, lookup.own);
  const state = before.state?.event.id;
  if (stated === undefined || state === undefined || state === stated) return before;
  throw new RequestError(
    "changed-elsewhere",
    `another program has pushed to ${manifest.name} with the same key since; ` +
      "what gtr publishes next replaces that",
    { hint: "fetch what was pushed, then publish again: gtr share" },
  );
}
