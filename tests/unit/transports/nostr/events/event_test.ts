import assert from "node:assert/strict";
import fc from "fast-check";
import { getEventHash } from "nostr-tools/pure";
import {
  encodeDeletion,
  encodeDeletions,
} from "../../../../../lib/transports/nostr/events/deletion.ts";
import {
  allTagValues,
  eventFault,
  isAuthentic,
  laterThan,
  newestFirst,
  type NostrEvent,
  tagValue,
  tagValues,
} from "../../../../../lib/transports/nostr/events/event.ts";
import * as kinds from "../../../../../lib/transports/nostr/events/kinds.ts";
import { coordinate, liveEvents } from "../../../../../lib/transports/nostr/events/live_events.ts";
import { alice, mallory, NOW, signed } from "../fixture.ts";

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
    undefined,
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
    { ...event, tags: [["a"], ["a", 1]] },
    { ...event, tags: [["a"], "a"] },
    { ...event, tags: "a" },
    { ...event, tags: {} },
    { ...event, created_at: 2 ** 53 },
    { ...event, created_at: String(NOW) },
    { ...event, id: [event.id] },
  ];
  for (const value of malformed) assert.equal(eventFault(value, NOW), "malformed-event");
  fc.assert(fc.property(fc.anything(), (value) => {
    assert.equal(eventFault(value, NOW), "malformed-event");
  }));
});

Deno.test("events: as long, and with as many tags and parts, as is read at most", () => {
  const event = signed(alice);
  const fault = (changes: Partial<NostrEvent>) => eventFault({ ...event, ...changes }, NOW);
  const room = 512 * 1024 - JSON.stringify(event).length;
  assert.equal(fault({ content: "x".repeat(room) }), undefined);
  assert.equal(fault({ content: "x".repeat(room + 1) }), "oversized-event");
  const many = (count: number, one: string[]) => Array<string[]>(count).fill(one);
  assert.equal(fault({ tags: many(10_000, ["t"]) }), undefined);
  assert.equal(fault({ tags: many(10_001, ["t"]) }), "malformed-event");
  assert.equal(fault({ tags: [Array<string>(1000).fill("x")] }), undefined);
  assert.equal(fault({ tags: [Array<string>(1001).fill("x")] }), "malformed-event");
  assert.equal(fault({ created_at: 0 }), undefined);
  assert.equal(fault({ created_at: Number.MAX_SAFE_INTEGER }), "future-event");
});

Deno.test("events: the kinds are those of the NIPs", () => {
  assert.deepEqual({ ...kinds }, {
    DELETION: 5,
    FILE_METADATA: 1063,
    FILE_DATA: 1064,
    RELAY_LIST: 10_002,
    BLOSSOM_LIST: 10_063,
    RELAY_AUTH: 22_242,
    REMOTE_SIGNING: 24_133,
    BLOSSOM_AUTH: 24_242,
    ANNOUNCEMENT: 30_617,
    STATE: 30_618,
  });
});

Deno.test("events: a tag's values are those of the first of its name, or of all", () => {
  const event = { tags: [["b", "0"], ["a", "1", "2"], ["c"], ["a", "3"]] };
  assert.deepEqual(tagValues(event, "a"), ["1", "2"]);
  assert.equal(tagValue(event, "a"), "1");
  assert.deepEqual(allTagValues(event, "a"), ["1", "2", "3"]);
  assert.deepEqual([tagValues(event, "x"), tagValue(event, "x"), tagValue(event, "c")], [
    [],
    undefined,
    undefined,
  ]);
});

Deno.test("events: in one order for everybody", () => {
  const event = signed(alice);
  const at = (created_at: number, id: string) => ({ ...event, created_at, id });
  const right = [at(2, "b"), at(1, "a"), at(1, "c"), at(0, "a")];
  fc.assert(fc.property(fc.shuffledSubarray(right, { minLength: 4 }), (shuffled) => {
    assert.deepEqual(shuffled.sort(newestFirst), right);
  }));
  assert.equal(newestFirst(event, event), 0);
});

Deno.test("events: from the future by more than ten minutes, or expired", () => {
  assert.equal(eventFault(signed(alice, { created_at: NOW + 600 }), NOW), undefined);
  assert.equal(eventFault(signed(alice, { created_at: NOW + 601 }), NOW), "future-event");
  const expiring = signed(alice, { tags: [["expiration", String(NOW + 1)]] });
  assert.equal(eventFault(expiring, NOW), undefined);
  assert.equal(eventFault(expiring, NOW + 1), "expired-event");
  assert.equal(eventFault(expiring, NOW + 2), "expired-event");
  assert.equal(eventFault(signed(alice, { tags: [["expiration", "soon"]] }), NOW), undefined);
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

Deno.test("live events: of several requests the newest counts; requests themselves stay", () => {
  const at = (created_at: number) => signed(alice, encodeDeletion([state(NOW)], created_at));
  const requests = [at(NOW - 5), at(NOW), at(NOW - 9)];
  const [inTime, later, other] = [state(NOW, "x"), state(NOW + 1), signed(alice)];
  const reply = signed(alice, { tags: [["e", later.id], ["a", coordinate(later)!]] });
  const unasked = signed(alice, { kind: 5, tags: [["e", requests[0]!.id]] });
  const all = [...requests, unasked];
  fc.assert(fc.property(fc.shuffledSubarray(all, { minLength: all.length }), (shuffled) => {
    const live = (...events: NostrEvent[]) =>
      liveEvents([...events, ...shuffled, ...events]).filter(({ kind }) => kind !== 5);
    assert.deepEqual(live(inTime, other), [other]);
    assert.deepEqual(live(later), [later]);
    assert.equal(liveEvents([later, reply]).length, 2, "what only names it asks for nothing");
    assert.equal(liveEvents(shuffled).length, all.length);
  }));
});

Deno.test("live events: a request for one's own doesn't reach others' of the same id or name", () => {
  const theirs = signed(mallory, { kind: 30618, tags: [["d", "x"]] });
  const tags = [["e", theirs.id], ["a", coordinate(theirs)!], ["a", "30618"], ["a", "x"]];
  const request = signed(alice, { kind: 5, created_at: NOW + 1, tags });
  assert.deepEqual(new Set(liveEvents([theirs, request])), new Set([theirs, request]));
  const byAddress = { ...request, pubkey: mallory.pubkey, tags: tags.slice(1) };
  assert.deepEqual(liveEvents([theirs, byAddress]), [byAddress]);
  const byId = { ...request, pubkey: mallory.pubkey, tags: tags.slice(0, 1) };
  assert.deepEqual(liveEvents([theirs, byId]), [byId]);
});

Deno.test("deletions: name each event, its address and its kind, as many as are short", () => {
  const replaceable = state(NOW);
  const [one, two] = [signed(alice, { kind: 1063 }), signed(alice, { kind: 1063, content: "x" })];
  assert.deepEqual(encodeDeletion([replaceable, one, two], NOW), {
    kind: 5,
    created_at: NOW,
    tags: [
      ["e", replaceable.id],
      ["a", `30618:${alice.pubkey}:x`],
      ["e", one.id],
      ["e", two.id],
      ["k", "30618"],
      ["k", "1063"],
    ],
    content: "",
  });
  assert.deepEqual(encodeDeletions([one], ["c1", "c2"], NOW), [
    { kind: 5, created_at: NOW, tags: [["e", one.id], ["k", "1063"]], content: "" },
    { kind: 5, created_at: NOW, tags: [["e", "c1"], ["e", "c2"], ["k", "1064"]], content: "" },
  ]);
  const named = (events: number, chunks: number) =>
    encodeDeletions(Array(events).fill(one), Array(chunks).fill("c"), NOW)
      .map(({ tags }) => tags.filter(([name]) => name === "e").length);
  assert.deepEqual(named(250, 500), [250, 500]);
  assert.deepEqual(named(251, 501), [250, 1, 500, 1]);
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
