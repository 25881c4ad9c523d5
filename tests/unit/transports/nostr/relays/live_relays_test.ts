/** Real relays, for longer: what comes later, what dies, and what a name leads to. */
import assert from "node:assert/strict";
import { NetworkError } from "../../../../../lib/common/errors.ts";
import { abortable } from "../../../../../lib/common/wait.ts";
import type { NostrEvent } from "../../../../../lib/transports/nostr/events/event.ts";
import { Relays } from "../../../../../lib/transports/nostr/relays/relays.ts";
import { startRelay } from "../../../../fixtures/nostr/servers.ts";
import { alice, signed } from "../fixture.ts";

const signal = () => AbortSignal.timeout(100_000);
const FILTERS = [{ kinds: [1], authors: [alice.pubkey] }];

function note(content: string): NostrEvent {
  const created_at = Math.floor(Date.now() / 1000);
  return signed(alice, { created_at, content, tags: [["d", "x"]] });
}

Deno.test("relays: a subscription tells of new events, and survives the relay's death", async () => {
  await using relay = await startRelay();
  using relays = new Relays({ dropped: () => {}, times: { reconnect: 50 } });
  using other = new Relays({ dropped: () => {} });
  const arrived = new Map<string, PromiseWithResolvers<NostrEvent>>();
  const expect = (event: NostrEvent) => {
    const waiting = Promise.withResolvers<NostrEvent>();
    arrived.set(event.id, waiting);
    return abortable(waiting.promise, signal());
  };
  const seen: string[] = [];
  const subscription = relays.subscribe([relay.url], FILTERS, (event) => {
    seen.push(event.id);
    arrived.get(event.id)?.resolve(event);
  });
  const first = note("first");
  const firstSeen = expect(first);
  await other.publish([relay.url], first, 1, signal());
  await firstSeen;

  await relay.kill();
  await assert.rejects(other.query([relay.url], FILTERS, signal()), NetworkError);
  await relay.restart();
  const second = note("second");
  const secondSeen = expect(second);
  await other.publish([relay.url], second, 1, signal());
  await secondSeen;
  assert.deepEqual(seen, [first.id, second.id]);

  subscription[Symbol.dispose]();
  const third = note("third");
  await other.publish([relay.url], third, 1, signal());
  assert.equal((await relays.query([relay.url], FILTERS, signal())).events.length, 2);
  assert.deepEqual(seen, [first.id, second.id], "nothing after the end");
});

Deno.test("relays: a stranger's name that leads into this machine is not connected to", async () => {
  await using relay = await startRelay();
  const url = `ws://localhost:${relay.port}`;
  for (const nearest of [undefined, "public"] as const) {
    using relays = new Relays({ dropped: () => {}, nearest: () => nearest });
    const asked = relays.query([url], FILTERS, signal());
    if (nearest === undefined) assert.deepEqual((await asked).answered, [url]);
    else {
      await assert.rejects(asked, {
        code: "unreachable",
        message: /within this machine or its network/,
      });
    }
  }
});
