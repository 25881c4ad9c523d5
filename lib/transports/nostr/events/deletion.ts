/**
 * Requests to delete one's own events (NIP-09, kind 5). `live_events.ts` is what honours them.
 *
 * @module
 */
import type { EventTemplate, NostrEvent } from "./event.ts";
import { DELETION, FILE_DATA } from "./kinds.ts";
import { coordinate } from "./live_events.ts";

/** Most events that one request names: relays want short events. */
const MAX_NAMED = 500;

/** The request to delete `events`: replaceable ones in every version until now. */
export function encodeDeletion(events: readonly NostrEvent[], created: number): EventTemplate {
  const tags: string[][] = [];
  for (const event of events) {
    const address = coordinate(event);
    tags.push(["e", event.id]);
    if (address !== undefined) tags.push(["a", address]);
  }
  for (const kind of new Set(events.map((event) => event.kind))) tags.push(["k", String(kind)]);
  return { kind: DELETION, created_at: created, tags, content: "" };
}

/**
 * The requests to delete `events`, and parts of files of which only the ids are known: as many as it
 * takes for each to be short.
 */
export function encodeDeletions(
  events: readonly NostrEvent[],
  chunks: readonly string[],
  created: number,
): EventTemplate[] {
  return [
    ...portions(events, MAX_NAMED / 2).map((some) => encodeDeletion(some, created)),
    ...portions(chunks, MAX_NAMED).map((ids) => ({
      kind: DELETION,
      created_at: created,
      tags: [...ids.map((id) => ["e", id]), ["k", String(FILE_DATA)]],
      content: "",
    })),
  ];
}

function portions<T>(all: readonly T[], most: number): T[][] {
  const count = Math.ceil(all.length / most);
  return Array.from({ length: count }, (_, i) => all.slice(i * most, (i + 1) * most));
}
