/**
 * A relay in this process, that can be made to lie, and what tests ask relays.
 *
 * @module
 */
import { deadline } from "../../lib/common/wait.ts";
import type { NostrEvent } from "../../lib/transports/nostr/events/event.ts";
import type { Filter } from "../../lib/transports/nostr/relays/filter.ts";
import { Relays } from "../../lib/transports/nostr/relays/relays.ts";
import { makeRelay, type RelayOptions } from "../fixtures/nostr/relay.ts";

const MS = 20_000;

/** Starts one. Turned off, it lets nobody connect who isn't connected yet. */
export function relayHere(options: RelayOptions = {}) {
  const relay = makeRelay(options);
  let down = false;
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => down ? new Response(null, { status: 503 }) : relay.answer(request),
  );
  return {
    url: `ws://127.0.0.1:${server.addr.port}`,
    store: relay.store,
    turn: (on: boolean) => down = !on,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** What one relay answers. */
export async function askRelay(url: string, filter: Filter): Promise<NostrEvent[]> {
  using relays = new Relays({ dropped: () => {} });
  using limit = deadline(MS, "a relay");
  return (await relays.query([url], [filter], limit.signal)).events;
}

/** Asks again until it is so, or fails at the deadline. */
export async function until(what: string, ask: () => Promise<boolean>): Promise<void> {
  using limit = deadline(MS, what);
  while (!await ask()) limit.signal.throwIfAborted();
}
