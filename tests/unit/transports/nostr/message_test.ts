import assert from "node:assert/strict";
import fc from "fast-check";
import { isAsked } from "../../../../lib/transports/nostr/relays/filter.ts";
import { MAX_MESSAGE, readMessage } from "../../../../lib/transports/nostr/relays/message.ts";
import { alice, bob, NOW, signed } from "./fixture.ts";

Deno.test("relay messages: any data is a message or none", () => {
  const anyData = fc.oneof(
    fc.anything(),
    fc.string(),
    fc.json(),
    fc.tuple(
      fc.constantFrom("EVENT", "OK", "EOSE", "CLOSED", "NOTICE", "AUTH"),
      fc.jsonValue(),
      fc.jsonValue(),
    )
      .map((parts) => JSON.stringify(parts)),
  );
  fc.assert(fc.property(anyData, (data) => void readMessage(data)));
});

Deno.test("relay messages: each kind", () => {
  const read = (value: unknown) => readMessage(JSON.stringify(value));
  assert.deepEqual(read(["OK", "x", true]), { type: "OK", id: "x", accepted: true, reason: "" });
  assert.deepEqual(read(["EVENT", "1", 7]), { type: "EVENT", subscription: "1", event: 7 });
  assert.deepEqual(read(["CLOSED", "1", "a\nb"]), {
    type: "CLOSED",
    subscription: "1",
    reason: "a?b",
  });
  // What has no text, or none that can be made.
  for (
    const odd of [{ toString: null }, JSON.parse("[".repeat(9999) + "]".repeat(9999)), 7, null]
  ) {
    assert.deepEqual(read(["CLOSED", "1", odd]), { type: "CLOSED", subscription: "1", reason: "" });
    assert.deepEqual(read(["OK", "x", false, odd]), {
      type: "OK",
      id: "x",
      accepted: false,
      reason: "",
    });
  }
  assert.equal(read(["OK", "x", "yes"]), undefined);
  assert.equal(read(["AUTH", "x".repeat(2000)]), undefined);
  assert.equal(read({}), undefined);
  assert.equal(readMessage(JSON.stringify(["NOTICE", "x".repeat(MAX_MESSAGE)])), undefined);
});

Deno.test("filters: every part has to fit", () => {
  const event = signed(alice, { kind: 7, tags: [["d", "x"], ["a", "y"]] });
  const fits = (filter: Parameters<typeof isAsked>[0][0]) => isAsked([filter], event);
  assert(
    fits({}) && fits({ kinds: [1, 7], authors: [alice.pubkey], "#d": ["x"], ids: [event.id] }),
  );
  assert(fits({ since: NOW, until: NOW }));
  assert(!fits({ kinds: [1] }) && !fits({ authors: [bob.pubkey] }) && !fits({ "#d": ["y"] }));
  assert(
    !fits({ "#d": ["x"], "#a": ["x"] }) && !fits({ since: NOW + 1 }) && !fits({ until: NOW - 1 }),
  );
  assert(!isAsked([], event) && isAsked([{ kinds: [1] }, { kinds: [7] }], event));
});
