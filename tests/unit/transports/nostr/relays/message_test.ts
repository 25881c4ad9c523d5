import assert from "node:assert/strict";
import fc from "fast-check";
import { isAsked } from "../../../../../lib/transports/nostr/relays/filter.ts";
import { MAX_MESSAGE, readMessage } from "../../../../../lib/transports/nostr/relays/message.ts";
import { Sieve } from "../../../../../lib/transports/nostr/relays/sieve.ts";
import { alice, bob, counting, NOW, signed } from "../fixture.ts";

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
  assert.deepEqual(read(["EOSE", "1"]), { type: "EOSE", subscription: "1" });
  assert.deepEqual(read(["NOTICE", "slow"]), { type: "NOTICE", reason: "slow" });
  assert.deepEqual(read(["AUTH", "x"]), { type: "AUTH", challenge: "x" });
  for (const other of [{}, [], ["COUNT", "x"], ["EOSE", 1], ["EOSE"], "EOSE", null]) {
    assert.equal(read(other), undefined, JSON.stringify(other));
  }
  for (const data of [new Uint8Array(2), undefined, "[", '["EOSE","1"']) {
    assert.equal(readMessage(data), undefined);
  }
});

Deno.test("relay messages: as long as an event is at most, their texts far shorter", () => {
  assert.equal(MAX_MESSAGE, 513 * 1024);
  const padded = (length: number) => '["EOSE","1"]'.padEnd(length);
  assert.notEqual(readMessage(padded(MAX_MESSAGE)), undefined);
  assert.equal(readMessage(padded(MAX_MESSAGE + 1)), undefined);
  const read = (...parts: unknown[]) => readMessage(JSON.stringify(parts));
  const long = "x".repeat(300);
  const reason = "x".repeat(200);
  assert.deepEqual(read("NOTICE", long), { type: "NOTICE", reason });
  assert.deepEqual(read("CLOSED", "1", long), { type: "CLOSED", subscription: "1", reason });
  assert.deepEqual(read("OK", "1", false, long), { type: "OK", id: "1", accepted: false, reason });
  assert.notEqual(read("AUTH", "x".repeat(1024)), undefined);
  assert.equal(read("AUTH", "x".repeat(1025)), undefined);
});

Deno.test("filters: every part has to fit", () => {
  const event = signed(alice, { kind: 7, tags: [["d", "x"], ["a", "y"]] });
  const fits = (filter: Parameters<typeof isAsked>[0][0]) => isAsked([filter], event);
  assert(
    fits({}) && fits({ kinds: [1, 7], authors: [alice.pubkey], "#d": ["x"], ids: [event.id] }),
  );
  assert(fits({ since: NOW, until: NOW }));
  assert(!fits({ ids: [bob.pubkey] }));
  assert(fits({ "#d": ["y", "x"], "#a": ["y"] }) && !fits({ "#b": ["x"] }));
  assert(isAsked([{}], { ...event, created_at: 0 }));
  assert(isAsked([{ "#d": [""] }], { ...event, tags: [["d"]] }), "a tag without a value");
  assert(!fits({ kinds: [1] }) && !fits({ authors: [bob.pubkey] }) && !fits({ "#d": ["y"] }));
  assert(
    !fits({ "#d": ["x"], "#a": ["x"] }) && !fits({ since: NOW + 1 }) && !fits({ until: NOW - 1 }),
  );
  assert(!isAsked([], event) && isAsked([{ kinds: [1] }, { kinds: [7] }], event));
});

const recently = () => Math.floor(Date.now() / 1000);

Deno.test("sieve: what was asked for passes once, a forgery never", () => {
  const { dropped, counts } = counting();
  const sieve = new Sieve([{ kinds: [7] }], dropped);
  const event = signed(alice, { kind: 7, created_at: recently() });
  const forged = { ...event, content: "x" };
  assert.equal(sieve.pass(forged), "bad");
  assert.equal(sieve.pass(event), event, "a forgery doesn't stand in its way");
  assert.equal(sieve.pass(event), "known");
  assert.equal(sieve.pass(forged), "known", "its signature is not looked at any more");
  assert.equal(sieve.pass({}), "bad");
  assert.equal(sieve.pass(signed(alice, { created_at: recently() })), "bad");
  assert.equal(sieve.pass(signed(alice, { kind: 7, created_at: recently() + 9000 })), "bad");
  const expired = { kind: 7, tags: [["expiration", "1"]] };
  assert.equal(sieve.pass(signed(alice, expired)), "bad");
  assert.deepEqual(counts, {
    "forged-event": 1,
    "malformed-event": 1,
    "unasked-event": 1,
    "future-event": 1,
    "expired-event": 1,
  });
});

Deno.test("sieve: remembers so many events, then begins anew", () => {
  const ordinary = new Sieve([{}], () => {});
  const many = Array.from({ length: 50 }, (_, i) => signed(alice, { content: String(i) }));
  for (const event of many) assert.equal(ordinary.pass(event), event);
  for (const event of many) assert.equal(ordinary.pass(event), "known");
  const sieve = new Sieve([{}], () => {}, 2);
  const [a, b, c] = ["a", "b", "c"].map((content) => signed(alice, { content }));
  for (const event of [a, b]) assert.equal(sieve.pass(event), event);
  for (const event of [a, b]) assert.equal(sieve.pass(event), "known");
  assert.equal(sieve.pass(c), c);
  assert.equal(sieve.pass(c), "known");
  assert.equal(sieve.pass(a), a);
});
