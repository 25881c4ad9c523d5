/** Relays that are slow, or silent, and publications that don't wait for them. */
import assert from "node:assert/strict";
import { abortable, deadline } from "../../lib/common/wait.ts";
import { type NostrEvent, tagValue } from "../../lib/transports/nostr/events/event.ts";
import { STATE } from "../../lib/transports/nostr/events/kinds.ts";
import { liar } from "../fixtures/nostr/liar.ts";
import { silence } from "../fixtures/nostr/silence.ts";
import { loopClock } from "../unit/common/loop_clock.ts";
import { NostrNetwork } from "./nostr_nodes.ts";
import { makeManifest, publish, testKey } from "./publications.ts";

const alice = testKey(1);
const patient = { GTR_NETWORK_TIMEOUT: "60" };

Deno.test("nostr: a first publication doesn't wait for a silent relay", async () => {
  await using network = await NostrNetwork.start({ relays: 0, servers: 0 });
  await using quick = liar(([type, what], send) => {
    if (type === "REQ") send(["EOSE", what]);
    if (type === "EVENT") send(["OK", (what as NostrEvent).id, true, ""]);
  });
  await using silent = await silence();
  const urls = [quick.url, silent.url].join(",");
  const a = await network.join(alice, { env: { ...patient, GTR_NOSTR_RELAYS: urls } });
  using clock = loopClock();
  await publish(a, makeManifest(alice, a), []);
  assert(clock.ms < 4_000, `${clock.ms} ms`); // 5 s may pass until it is connected
});

Deno.test("nostr: what a newer publication replaces is no longer handed to a slow relay", async () => {
  await using network = await NostrNetwork.start({ servers: 0 });
  const sequences: string[] = [];
  const held: (() => void)[] = [];
  const newest = Promise.withResolvers<void>();
  let slow = true;
  await using relay = liar(([type, what], send) => {
    if (type === "REQ") return send(["EOSE", what]);
    if (type !== "EVENT") return;
    const event = what as NostrEvent;
    const take = () => send(["OK", event.id, true, ""]);
    if (slow) return void held.push(take);
    take();
    if (event.kind !== STATE) return;
    sequences.push(tagValue(event, "gtr-sequence")!);
    if (sequences.includes("2")) newest.resolve();
  });
  const urls = [network.relays[0]!.url, relay.url].join(",");
  const a = await network.join(alice, { env: { ...patient, GTR_NOSTR_RELAYS: urls } });
  await publish(a, makeManifest(alice, a), []);
  await publish(a, makeManifest(alice, a, { sequence: 2 }), []);
  slow = false;
  for (const take of held) take();
  using limit = deadline(60_000, "the slow relay to get the newest state");
  await abortable(newest.promise, limit.signal);
  assert.deepEqual(sequences, ["2"]);
});
