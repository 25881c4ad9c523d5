/**
 * Requests to delete one's own events (NIP-09, kind 5). `live_events.ts` is what honours them.
 *
 * @module
 */
import { coordinate } from "./live_events.ts";
import type { EventTemplate, NostrEvent } from "./event.ts";
import { DELETION } from "./kinds.ts";

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
