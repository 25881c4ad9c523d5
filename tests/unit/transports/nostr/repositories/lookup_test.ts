/** Which relays are asked about a repository, what for, and how long the answer is remembered. */
import assert from "node:assert/strict";
import { NetworkError } from "../../../../../lib/common/errors.ts";
import type { NostrAddress } from "../../../../../lib/transports/nostr/names/address.ts";
import { encodeAnnouncement } from "../../../../../lib/transports/nostr/repositories/announcement.ts";
import type {
  EventTemplate,
  NostrEvent,
} from "../../../../../lib/transports/nostr/events/event.ts";
import { encodePack } from "../../../../../lib/transports/nostr/repositories/pack_event.ts";
import { encodeState } from "../../../../../lib/transports/nostr/repositories/state.ts";
import type { QueryOptions, Relays } from "../../../../../lib/transports/nostr/relays/relays.ts";
import type { Filter } from "../../../../../lib/transports/nostr/relays/filter.ts";
import {
  deletionFilters,
  eventsOf,
  filtersOf,
  hasState,
  readEvents,
  RepositoryLookup,
  repositoryTag,
  sizeOfEvents,
} from "../../../../../lib/transports/nostr/repositories/lookup.ts";
import { hex } from "../../../manifest/fixture.ts";
import { alice, blossomList, bob, NOW, relayList } from "../fixture.ts";

const OWN = "wss://own.example";
const HINT = "wss://hint.example";
const [A, B, C] = ["wss://a.example", "wss://b.example", "wss://c.example"];
const address: NostrAddress = { pubkey: alice.pubkey, identifier: "hello", relays: [HINT] };
const signal = AbortSignal.timeout(100_000);
const hosts = (count: number) => Array.from({ length: count }, (_, i) => `wss://${i}.example`);

let ids = 0;
/** An event as if it were authentic: that is looked at before. */
const event = (template: Partial<EventTemplate>): NostrEvent => ({
  ...{ id: hex(64, String(ids++)), sig: "", pubkey: alice.pubkey },
  ...{ kind: 1, created_at: NOW, tags: [], content: "", ...template },
});
const announcement = (changes: { relays?: string[]; blossoms?: string[] } = {}) => {
  const none = { clone: [], web: [], relays: [], blossoms: [], maintainers: [] };
  return event(encodeAnnouncement({ identifier: "hello", ...none, ...changes }, NOW));
};
const state = (identifier = "hello", created = NOW, content = "") =>
  event(encodeState({ identifier, refs: new Map(), peeled: new Map() }, created, {
    ...{ tags: [], content },
  }));
const pack = event(encodePack({
  ...{ repository: address, sha256: hex(64, "pack"), size: 1, urls: ["https://b.example/x"] },
  ...{ tips: [], prerequisites: [] },
}, NOW));

interface Query {
  readonly urls: readonly string[];
  readonly filters: readonly Filter[];
  readonly signal?: AbortSignal;
  readonly options?: QueryOptions;
}

/** A look-up whose relays answer as told, one query after the other, and what they were asked. */
function lookup(answers: ((query: Query) => NostrEvent[])[], own = [OWN], now?: () => number) {
  const asked: Query[] = [];
  const relays = {
    query: (
      urls: readonly string[],
      filters: readonly Filter[],
      signal?: AbortSignal,
      options?: QueryOptions,
    ) => {
      const query = { urls, filters, signal, options };
      asked.push(query);
      return Promise.try(() => ({
        events: (answers[asked.length - 1] ?? answers.at(-1)!)(query),
        answered: urls.slice(1),
        failed: new Map([[urls[0]!, new NetworkError("unreachable", "no")]]),
      }));
    },
  } as unknown as Relays;
  return { lookup: new RepositoryLookup(relays, own, now), asked };
}

Deno.test("look-up: asks the relays of the address, then the user's, sixteen at most", () => {
  const { lookup: one } = lookup([]);
  assert.deepEqual(one.relaysOf([HINT, OWN, "x"]), [HINT, OWN]);
  assert.deepEqual(one.relaysOf(hosts(20)), hosts(16));
  const named = ["wss://127.0.0.1", A, OWN];
  const events = readEvents([announcement({ relays: named })], address, []);
  assert.deepEqual(one.relaysFor({ ...events, address }), [HINT, OWN, A]);
  assert.deepEqual(one.relaysFor({ address, packs: [], servers: [] }), [HINT, OWN]);
  const many = readEvents([announcement({ relays: hosts(16) })], address, []);
  assert.deepEqual(one.relaysFor({ ...many, address }), [HINT, OWN, ...hosts(14)]);
});

Deno.test("look-up: without a relay nothing is asked", async () => {
  const { lookup: none, asked } = lookup([() => []], []);
  const nowhere = { ...address, relays: [] };
  await assert.rejects(none.ask(nowhere, signal), { code: "unreachable", hint: /nostr\.relays/ });
  assert.equal(asked.length, 0);
});

Deno.test("look-up: a state ends it, whoever else is slow; so do enough relays", async () => {
  const { lookup: one, asked } = lookup([() => [state()]]);
  const found = await one.ask(address, signal);
  const [{ urls, filters, options, signal: handed }] = asked as [Query];
  assert.deepEqual([urls, filters], [[HINT, OWN], filtersOf(address)]);
  assert.equal(handed, signal);
  assert.deepEqual(found.silent, [HINT]);
  assert.deepEqual(found.address.relays, [HINT, OWN]);
  assert.equal(options!.suffices!([announcement()], 99), false);
  assert.equal(options!.suffices!([announcement(), state()], 1), true);
  await one.ask(address, signal, 2);
  const { suffices } = asked[1]!.options!;
  assert.deepEqual([suffices!([], 1), suffices!([], 2), suffices!([], 3)], [false, true, true]);
  assert.equal(asked.length, 2, "nobody else is asked");
});

Deno.test("look-up: without a state those are asked whom the author names", async () => {
  const list = event(
    relayList({ write: [A, OWN, "wss://127.0.0.1", C], read: ["wss://r.example"] }),
  );
  const named = announcement({ relays: [B, A, HINT] });
  const { lookup: one, asked } = lookup([() => [named, list], () => [state()]]);
  const found = await one.ask(address, signal);
  assert.deepEqual(asked.map(({ urls }) => urls), [[HINT, OWN], [B, A, C]]);
  const [first, second] = asked as [Query, Query];
  assert.deepEqual(second.filters, filtersOf(address));
  assert.equal(second.options!.budget, first.options!.budget, "of one memory");
  assert.notEqual(first.options!.budget, undefined);
  assert.equal(second.signal, signal);
  assert.equal(found.announcement?.event, named);
  assert.notEqual(found.state, undefined);
  assert.deepEqual(found.address.relays, [HINT, OWN]);
  assert.deepEqual(found.silent, [HINT], "of those that were chosen");

  const many = lookup([() => [announcement({ relays: hosts(16) }), list], () => []]);
  await many.lookup.ask(address, signal);
  assert.deepEqual(many.asked[1]!.urls, hosts(16));
  const nobody = lookup([() => [announcement()]]);
  await nobody.lookup.ask(address, signal);
  assert.equal(nobody.asked.length, 1);
});

Deno.test("look-up: what is known stays where those named don't answer, but for an abort", async () => {
  const abort = new AbortController();
  const named = announcement({ relays: [A] });
  const { lookup: one } = lookup([() => [named], () => {
    throw new NetworkError("unreachable", "nobody");
  }]);
  assert.equal((await one.ask(address, signal)).announcement?.event, named);
  const { lookup: two } = lookup([() => [named], () => {
    abort.abort(new NetworkError("enough", "enough"));
    throw new NetworkError("unreachable", "nobody");
  }]);
  await assert.rejects(two.ask(address, abort.signal), { code: "enough" });
  assert.equal(two.remembered(address), undefined);
});

Deno.test("look-up: one answer is given again, once and for five seconds, if it was kept", async () => {
  let now = 0;
  const { lookup: one, asked } = lookup([() => [state()]], [OWN], () => now);
  const other = { ...address, identifier: "other" };
  one.keep(address);
  await one.askAgain(address, signal);
  assert.equal(asked.length, 1);
  await one.askAgain(address, signal);
  assert.equal(asked.length, 2, "it was not kept");
  one.keep(address);
  one.keep(other);
  assert.notEqual((await one.askAgain(address, signal)).state, undefined);
  assert.equal(asked.length, 2);
  await one.askAgain(address, signal);
  assert.equal(asked.length, 3, "once");
  one.keep(address);
  now += 4999;
  await one.askAgain(address, signal);
  assert.equal(asked.length, 3);
  one.keep(address);
  now++;
  await one.askAgain(address, signal);
  assert.equal(asked.length, 4, "five seconds");
  assert.equal(asked[3]!.signal, signal);
});

Deno.test("look-up: what was found is remembered for a minute, of each key and name", async () => {
  let now = 0;
  const { lookup: one } = lookup([() => [state()]], [OWN], () => now);
  await one.ask(address, signal);
  now = 59_999;
  assert.notEqual(one.remembered(address)?.state, undefined);
  assert.equal(one.remembered({ ...address, identifier: "other" }), undefined);
  assert.equal(one.remembered({ ...address, pubkey: bob.pubkey }), undefined);
  now = 60_000;
  assert.equal(one.remembered(address), undefined);
});

Deno.test("look-up: 256 repositories are remembered, or 32 MiB of events", async () => {
  const named = ({ filters }: Query) => filters[0]!["#d"]![0]!;
  const held = async (count: number, content: string) => {
    const { lookup: one } = lookup([(query) => [state(named(query), NOW, content)]]);
    const all = Array.from({ length: count }, (_, i) => ({ ...address, identifier: String(i) }));
    for (const each of all) await one.ask(each, signal);
    return all.filter((each) => one.remembered(each)).length;
  };
  assert.equal(await held(257, ""), 256);
  assert.equal(await held(5, "x".repeat(8 * 1024 * 1024 - 1024)), 4);
  assert.equal(await held(5, "x".repeat(8 * 1024 * 1024)), 3);
});

Deno.test("look-up: by tag, the user's relays are asked, and 64 announcements are taken", async () => {
  const all = Array.from({ length: 70 }, (_, i) => ({
    ...announcement(),
    ...{ pubkey: hex(64, String(i)), created_at: NOW + i },
  }));
  const { lookup: one, asked } = lookup([() => [...all, all[69]!]]);
  assert.deepEqual(await one.byTag("gtr:x/y", signal), all.toReversed().slice(0, 64));
  const [{ urls, filters, signal: handed }] = asked as [Query];
  assert.deepEqual(urls, [OWN]);
  assert.deepEqual(filters, [{ kinds: [30617], "#i": ["gtr:x/y"] }]);
  assert.equal(handed, signal);
});

Deno.test("look-up: what relays are asked for", () => {
  const { pubkey } = address;
  assert.equal(repositoryTag("id", "name"), "gtr:id/name");
  const deletions = [
    { kinds: [5], authors: [pubkey], "#a": [`30617:${pubkey}:hello`, `30618:${pubkey}:hello`] },
    { kinds: [5], authors: [pubkey], "#k": ["30617", "30618"] },
  ];
  assert.deepEqual(filtersOf(address), [
    { kinds: [30617, 30618], authors: [pubkey], "#d": ["hello"] },
    { kinds: [1063], authors: [pubkey], "#a": [`30617:${pubkey}:hello`] },
    ...deletions,
    { kinds: [10002, 10063], authors: [pubkey] },
  ]);
  assert.deepEqual(deletionFilters(["a", "b"], "x"), [
    {
      ...{ kinds: [5], authors: ["a", "b"] },
      "#a": ["30617:a:x", "30618:a:x", "30617:b:x", "30618:b:x"],
    },
    { kinds: [5], authors: ["a", "b"], "#k": ["30617", "30618"] },
  ]);
  assert.deepEqual([hasState([announcement(), state()]), hasState([announcement()])], [
    true,
    false,
  ]);
});

Deno.test("events of a repository: what counts of them, and how much they take", () => {
  const announced = announcement({ blossoms: ["https://a.example", "https://127.0.0.1"] });
  const [newer, older] = [state("hello", NOW + 1), state()];
  const other = state("other", NOW + 2);
  const list = event(blossomList(["https://b.example", "https://a.example"]));
  const events = [older, other, pack, announced, newer, list];
  const read = readEvents(events, address, [OWN]);
  assert.deepEqual(read.address, { ...address, relays: [OWN] });
  assert.equal(read.announcement?.event, announced);
  assert.equal(read.state?.event, newer);
  assert.deepEqual(read.packs.map(({ event }) => event), [pack]);
  assert.equal(read.packs[0]!.metadata.sha256, hex(64, "pack"));
  assert.deepEqual(read.servers, ["https://a.example", "https://b.example"]);
  assert.deepEqual(eventsOf(read), [pack, announced, newer]);
  const bytes = [pack, announced, newer].map((one) => JSON.stringify(one)).join("").length;
  assert.equal(sizeOfEvents(read), bytes);

  const inside = readEvents([announced], address, ["wss://127.0.0.1"]);
  assert.deepEqual(inside.servers, ["https://a.example", "https://127.0.0.1"]);
  const servers = hosts(20).map((url) => url.replace("wss:", "https:"));
  const some = announcement({ blossoms: servers.slice(0, 10) });
  const many = readEvents([some, event(blossomList(servers.slice(10)))], address, [OWN]);
  assert.deepEqual(many.servers, servers.slice(0, 16));
  const none = readEvents([], address, [OWN]);
  assert.deepEqual([none.announcement, none.state, none.packs], [undefined, undefined, []]);
  assert.deepEqual([eventsOf(none), sizeOfEvents(none)], [[], 0]);
});
