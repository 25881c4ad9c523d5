/**
 * Which of many events still count: duplicates, replaced and deleted ones don't.
 *
 * @module
 */
import { allTagValues, newestFirst, type NostrEvent, tagValue } from "./event.ts";
import { DELETION } from "./kinds.ts";

/** An event's address, `kind:pubkey:d`, where its kind is replaceable (NIP-01). */
export function coordinate(event: NostrEvent): string | undefined {
  const { kind, pubkey } = event;
  if (kind >= 30_000 && kind < 40_000) return `${kind}:${pubkey}:${tagValue(event, "d") ?? ""}`;
  return kind >= 10_000 && kind < 20_000 ? `${kind}:${pubkey}:` : undefined;
}

/**
 * Of authentic events from any relays, in any order: each once, of replaceable ones the newest, and
 * none whose author asks for its deletion (NIP-09): by `e` for good, by `a` as far as it is not newer
 * than the request. A request for others' events means nothing, and requests themselves stay.
 *
 * @returns newest first
 */
export function liveEvents(events: Iterable<NostrEvent>): NostrEvent[] {
  const distinct = new Map<string, NostrEvent>();
  for (const event of events) distinct.set(event.id, event);
  const inOrder = [...distinct.values()].sort(newestFirst);

  const deletedIds = new Set<string>();
  const deletedUntil = new Map<string, number>();
  for (const event of inOrder) {
    if (event.kind !== DELETION) continue;
    for (const id of allTagValues(event, "e")) deletedIds.add(`${event.pubkey} ${id}`);
    for (const address of allTagValues(event, "a")) {
      if (address.split(":")[1] !== event.pubkey || deletedUntil.has(address)) continue;
      deletedUntil.set(address, event.created_at);
    }
  }

  const live: NostrEvent[] = [];
  const taken = new Set<string>();
  for (const event of inOrder) {
    const address = coordinate(event);
    if (address !== undefined) {
      // Before deletions: what a deleted event had replaced must not come back from another relay.
      if (taken.has(address)) continue;
      taken.add(address);
      const until = deletedUntil.get(address);
      if (until !== undefined && event.created_at <= until) continue;
    }
    const isDeleted = deletedIds.has(`${event.pubkey} ${event.id}`);
    if (event.kind === DELETION || !isDeleted) live.push(event);
  }
  return live;
}
