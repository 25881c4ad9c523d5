/**
 * Talking to a relay with nothing of gtr's in between.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { Event, Filter } from "nostr-tools";

const DEADLINE = 60_000;

/** Says one thing to a relay, and gives its answers to `take` until that is content. */
async function talk(url: string, say: unknown[], take: (answer: unknown[]) => boolean) {
  const socket = new WebSocket(url);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(() => reject(new Error(`${url} doesn't answer`)), DEADLINE);
  socket.onopen = () => socket.send(JSON.stringify(say));
  socket.onerror = () => reject(new Error(`can't reach ${url}`));
  socket.onmessage = ({ data }) => take(JSON.parse(data)) && resolve();
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    const closed = new Promise((resolve) => socket.onclose = resolve);
    socket.close();
    await closed;
  }
}

/** Publishes an event, which the relay has to take. */
export async function publishEvent(url: string, json: string): Promise<void> {
  await talk(url, ["EVENT", JSON.parse(json)], ([type, , accepted, reason]) => {
    assert(type !== "OK" || accepted, String(reason));
    return type === "OK";
  });
}

/** All events that a relay has of those that the filter asks for. */
export async function eventsOf(url: string, filter: Filter): Promise<Event[]> {
  const events: Event[] = [];
  await talk(url, ["REQ", "all", filter], ([type, , event]) => {
    if (type === "EVENT") events.push(event as Event);
    return type === "EOSE";
  });
  return events;
}
