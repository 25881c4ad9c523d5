import assert from "node:assert/strict";
import fc from "fast-check";
import { getEventHash } from "nostr-tools/pure";
import { encodeDeletion } from "../../../../lib/transports/nostr/events/deletion.ts";
import {
  eventFault,
  isAuthentic,
  laterThan,
  MAX_EVENT,
  type NostrEvent,
} from "../../../../lib/transports/nostr/events/event.ts";
import { coordinate, liveEvents } from "../../../../lib/transports/nostr/events/live_events.ts";
import { alice, mallory, NOW, signed } from "./fixture.ts";

Deno.test("events: a right one passes", () => {
  const event = signed(alice, { content: "hello", tags: [["t", "x"]] });
  assert.equal(eventFault(event, NOW), undefined);
  assert(isAuthentic(event));
});

Deno.test("events: any change to an authentic event makes it a forgery", () => {
  const event = signed(alice, { content: "hello", tags: [["t", "x"]] });
  const changes: Partial<NostrEvent>[] = [
    { content: "hallo" },
    { created_at: NOW + 1 },
    { kind: 2 },
    { tags: [] },
    { pubkey: mallory.pubkey },
    { id: "0".repeat(64) },
    { sig: signed(mallory).sig },
  ];
  for (const change of changes) {
    const forged = { ...event, ...change };
    assert.equal(isAuthentic(forged), false, JSON.stringify(change));
    if (change.id !== undefined) continue;
    assert.equal(isAuthentic({ ...forged, id: getEventHash(forged) }), false, "rehashed");
  }
});

Deno.test("events: nostr-tools' own mark of a checked event is not believed", () => {
  const checked = signed(alice);
  assert(isAuthentic(checked));
  const [mark] = Object.getOwnPropertySymbols(checked);
  assert.equal(mark, undefined, "the check leaves no mark");
  const forged = Object.assign(checked, { content: "changed" });
  assert.equal(isAuthentic(forged), false);
});

Deno.test("events: other forms are refused before their signature is looked at", () => {
  const event = signed(alice);
  const malformed: unknown[] = [
    null,
    7,
    [],
    {},
    { ...event, id: event.id.toUpperCase() },
    { ...event, pubkey: "x" },
    { ...event, sig: event.sig.slice(1) },
    { ...event, created_at: -1 },
    { ...event, created_at: 1.5 },
    { ...event, kind: 65_536 },
    { ...event, content: 1 },
    { ...event, tags: [[]] },
    { ...event, tags: [["a", 1]] },
    { ...event, tags: Array(10_001).fill(["t", "x"]) },
  ];
  for (const value of malformed) assert.equal(eventFault(value, NOW), "malformed-event");
  const long = { ...event, content: "x".repeat(MAX_EVENT) };
  assert.equal(eventFault(long, NOW), "oversized-event");
  fc.assert(fc.property(fc.anything(), (value) => {
    assert.equal(eventFault(value, NOW), "malformed-event");
  }));
});

Deno.test("events: from the future by more than ten minutes, or expired", () => {
  assert.equal(eventFault(signed(alice, { created_at: NOW + 600 }), NOW), undefined);
  assert.equal(eventFault(signed(alice, { created_at: NOW + 601 }), NOW), "future-event");
  const expiring = signed(alice, { tags: [["expiration", String(NOW + 1)]] });
  assert.equal(eventFault(expiring, NOW), undefined);
  assert.equal(eventFault(expiring, NOW + 1), "expired-event");
});

Deno.test("events: one that replaces another is dated later", () => {
  assert.equal(laterThan(undefined, NOW), NOW);
  assert.equal(laterThan(NOW, NOW), NOW + 1);
  assert.equal(laterThan(NOW - 5, NOW), NOW);
});

const state = (created_at: number, content = "") =>
  signed(alice, { kind: 30618, created_at, content, tags: [["d", "x"]] });

Deno.test("live events: of replaceable ones the newest, of a tie the lowest id, in any order", () => {
  const a = state(NOW, "a");
  const b = state(NOW, "b");
  const older = state(NOW - 1);
  const other = signed(alice, { kind: 30618, tags: [["d", "y"]] });
  const lowest = a.id < b.id ? a : b;
  fc.assert(
    fc.property(fc.shuffledSubarray([a, b, older, other, a], { minLength: 5 }), (events) => {
      assert.deepEqual(new Set(liveEvents(events)), new Set([lowest, other]));
    }),
  );
});

Deno.test("live events: the author's deletion counts, by id and by address, others' don't", () => {
  const newest = state(NOW);
  const older = state(NOW - 1);
  const pack = signed(alice, { kind: 1063 });
  const kinds = (events: NostrEvent[]) => liveEvents(events).map((event) => event.kind);

  const byAlice = signed(alice, encodeDeletion([newest, pack], NOW));
  assert.deepEqual(
    kinds([newest, older, pack, byAlice]),
    [5],
    "nor does what was replaced come back",
  );

  const later = state(NOW + 1);
  assert.deepEqual(kinds([byAlice, later, newest]).sort(), [30618, 5].sort());

  const byMallory = signed(mallory, encodeDeletion([newest, pack], NOW + 1));
  assert.deepEqual(kinds([newest, pack, byMallory]).sort(), [30618, 1063, 5].sort());
});

Deno.test("events: which kinds are replaced, and by what", () => {
  const tags = [["d", "x"]];
  for (
    const [kind, expected] of [
      [9_999, undefined],
      [10_000, `10000:${alice.pubkey}:`],
      [19_999, `19999:${alice.pubkey}:`],
      [20_000, undefined],
      [29_999, undefined],
      [30_000, `30000:${alice.pubkey}:x`],
      [39_999, `39999:${alice.pubkey}:x`],
      [40_000, undefined],
    ] as const
  ) assert.equal(coordinate(signed(alice, { kind, tags })), expected, String(kind));
  assert.equal(coordinate(signed(alice, { kind: 30_000, tags: [] })), `30000:${alice.pubkey}:`);
});

Deno.test("events: kinds go up to 65535", () => {
  for (
    const [kind, isRight] of [[0, true], [65_535, true], [65_536, false], [-1, false]] as const
  ) {
    assert.equal(eventFault(signed(alice, { kind }), NOW) === undefined, isRight, String(kind));
  }
});
