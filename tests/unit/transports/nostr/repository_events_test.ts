import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type Announcement,
  decodeAnnouncement,
  encodeAnnouncement,
} from "../../../../lib/transports/nostr/events/announcement.ts";
import type { NostrEvent } from "../../../../lib/transports/nostr/events/event.ts";
import {
  decodePack,
  encodePack,
  MAX_PACK_TIPS,
  type PackMetadata,
} from "../../../../lib/transports/nostr/events/pack.ts";
import {
  decodeBlossomList,
  decodeRelayList,
} from "../../../../lib/transports/nostr/events/server_lists.ts";
import { decodeState, encodeState } from "../../../../lib/transports/nostr/events/state.ts";
import { anyHex } from "../../manifest/fixture.ts";
import { alice, blossomList, bob, NOW, relayList } from "./fixture.ts";

const hex = (digits: number, with_: string) => with_.repeat(digits).slice(0, digits);
const OID = hex(40, "a1");
const OTHER = hex(40, "b2");
const PEELED = hex(40, "c3");

/** An event as if it were signed: what is tested here looks at its content only. */
const event = (template: Partial<NostrEvent>): NostrEvent => ({
  id: hex(64, "0"),
  sig: hex(128, "0"),
  pubkey: alice.pubkey,
  created_at: NOW,
  kind: 1,
  tags: [],
  content: "",
  ...template,
});

const announcement: Announcement = {
  identifier: "hello",
  name: "Hello",
  description: "Greets",
  clone: ["https://git.example/hello.git"],
  web: ["https://example.org/hello"],
  relays: ["wss://relay.example"],
  blossoms: ["https://blossom.example"],
  maintainers: [bob.pubkey],
  earliestUniqueCommit: OID,
};

Deno.test("announcements: read as written, with the NIP's own tags", () => {
  const template = encodeAnnouncement(announcement, NOW, [["gtr", "x"]]);
  assert.deepEqual(template.tags.find((tag) => tag[0] === "r"), ["r", OID, "euc"]);
  assert.deepEqual(template.tags.at(-1), ["gtr", "x"]);
  const { event: _, ...read } = decodeAnnouncement(event(template))!;
  assert.deepEqual(read, announcement);
});

Deno.test("announcements: what can't be used is left out", () => {
  const read = decodeAnnouncement(event({
    kind: 30617,
    tags: [
      ["d", "x"],
      ["clone", "ext::sh -c id", "file:///etc", "--upload-pack=x", "ssh://-oProxyCommand=x/y"],
      ["clone", "https://a.example/x.git\n", "git://ok.example/x"],
      ["relays", "http://x", "wss://ok.example/"],
      ["maintainers", "npub1x", bob.pubkey, bob.pubkey],
      ["description", "x".repeat(5000)],
      ["r", "not an oid", "euc"],
    ],
  }))!;
  assert.deepEqual(read.clone, ["git://ok.example/x"]);
  assert.deepEqual(read.relays, ["wss://ok.example"]);
  assert.deepEqual(read.maintainers, [bob.pubkey]);
  assert.equal(read.description, undefined);
  assert.equal(read.earliestUniqueCommit, undefined);
  assert.equal(decodeAnnouncement(event({ kind: 30617, tags: [["d", "a/b"]] })), undefined);
  assert.equal(decodeAnnouncement(event({ kind: 30617 })), undefined);
  assert.equal(decodeAnnouncement(event({ kind: 30618, tags: [["d", "x"]] })), undefined);
});

Deno.test("announcements and states: any tags are read or refused, never thrown at", () => {
  const anyTag = fc.array(
    fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom("d", "HEAD", "refs/heads/x", "refs/tags/x^{}", "clone", "r", OID, "url", "x"),
    ),
    { minLength: 1, maxLength: 5 },
  );
  fc.assert(fc.property(fc.array(anyTag), (tags) => {
    const all = [["d", "x"], ...tags];
    decodeAnnouncement(event({ kind: 30617, tags: all }));
    const state = decodeState(event({ kind: 30618, tags: all }));
    for (const oid of state?.refs.values() ?? []) assert.match(oid, /^[0-9a-f]{40,64}$/);
    decodePack(event({ kind: 1063, tags: all }), { pubkey: alice.pubkey, identifier: "x" });
    decodeRelayList(event({ kind: 10002, tags: all }));
  }));
});

Deno.test("states: read as written", () => {
  const state = {
    identifier: "hello",
    refs: new Map([["refs/heads/main", OID], ["refs/tags/v1", OTHER]]),
    peeled: new Map([["refs/tags/v1", PEELED]]),
    head: "refs/heads/main",
  };
  const template = encodeState(state, NOW);
  assert.deepEqual(template.tags, [
    ["d", "hello"],
    ["refs/heads/main", OID],
    ["refs/tags/v1", OTHER],
    ["refs/tags/v1^{}", PEELED],
    ["HEAD", "ref: refs/heads/main"],
  ]);
  const { event: _, ...read } = decodeState(event(template))!;
  assert.deepEqual(read, state);
});

Deno.test("states: only branches and tags are stated", () => {
  const refs = new Map([["refs/notes/x", OID], ["refs/heads/main", OID]]);
  const { tags } = encodeState({ identifier: "x", refs, peeled: new Map() }, NOW);
  assert.deepEqual(tags, [["d", "x"], ["refs/heads/main", OID]]);
});

Deno.test("states: one wrong ref makes the whole of it useless", () => {
  const right = [["d", "x"], ["refs/heads/main", OID]];
  assert(decodeState(event({ kind: 30618, tags: [...right, ["refs/nostr/x", "?"]] })));
  const wrong = [
    ["refs/heads/a..b", OID],
    ["refs/heads/x", "0".repeat(40)],
    ["refs/heads/x", "abc"],
    ["refs/heads/x"],
    ["refs/heads/main", OTHER],
    ["refs/heads/main/x", OID],
    ["refs/tags/v^{}", OID],
    ["refs/heads/main^{}", OID],
    ["refs/heads/x", hex(64, "a")],
  ];
  for (const tag of wrong) {
    const state = decodeState(event({ kind: 30618, tags: [...right, tag] }));
    assert.equal(state, undefined, tag.join(" "));
  }
  const { head } = decodeState(
    event({ kind: 30618, tags: [...right, ["HEAD", "ref: refs/tags/x"]] }),
  )!;
  assert.equal(head, undefined);
});

const anyPack: fc.Arbitrary<PackMetadata> = fc.record({
  repository: fc.record({ pubkey: anyHex(64), identifier: fc.constant("hello") }, {
    noNullPrototype: true,
  }),
  sha256: anyHex(64),
  size: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  urls: fc.uniqueArray(anyHex(64).map((x) => `https://b.example/${x}`), {
    minLength: 1,
    maxLength: 5,
  }),
  infohash: fc.option(anyHex(40), { nil: undefined }),
  tips: fc.array(anyHex(40), { maxLength: 5 }),
  prerequisites: fc.array(anyHex(40), { maxLength: 5 }),
}, { noNullPrototype: true });

Deno.test("packs: read as written", () => {
  fc.assert(fc.property(anyPack, (pack) => {
    const read = decodePack(event(encodePack(pack, NOW)), pack.repository);
    assert.deepEqual(read, pack);
  }));
});

Deno.test("packs: in events, with all of their chunks named", () => {
  const repository = { pubkey: alice.pubkey, identifier: "hello" };
  const chunks = [hex(64, "a"), hex(64, "b")];
  const pack = { repository, sha256: hex(64, "d"), urls: [], tips: [], prerequisites: [] };
  const read = (size: number) =>
    decodePack(event(encodePack({ ...pack, size, chunks }, NOW)), repository);
  assert.deepEqual(read(40_000)?.chunks, chunks);
  assert.equal(read(80_000), undefined); // one is missing, and it is nowhere else
});

Deno.test("packs: others', broken and unreachable ones are none", () => {
  const repository = { pubkey: alice.pubkey, identifier: "hello" };
  const pack: PackMetadata = {
    repository,
    sha256: hex(64, "d"),
    size: 10,
    urls: ["https://b.example/x"],
    tips: Array.from({ length: MAX_PACK_TIPS + 10 }, () => OID),
    prerequisites: [],
  };
  const template = encodePack(pack, NOW);
  assert.equal(decodePack(event(template), repository)!.tips.length, MAX_PACK_TIPS);
  assert.equal(decodePack(event(template), { ...repository, identifier: "other" }), undefined);
  const without = (name: string, instead: string[][] = []) =>
    decodePack(
      event({ ...template, tags: [...template.tags.filter(([n]) => n !== name), ...instead] }),
      repository,
    );
  assert.equal(without("x"), undefined);
  assert.equal(without("m"), undefined);
  assert.equal(without("size", [["size", "-1"]]), undefined);
  assert.equal(without("url"), undefined);
  assert.equal(without("c", [["c", "HEAD"]]), undefined);
  assert.equal(without("url", [["i", hex(40, "e")]])?.infohash, hex(40, "e"));
});

Deno.test("server lists: relays to write to and to read from, and Blossom servers", () => {
  const list = { write: ["wss://a.example", "wss://b.example"], read: ["wss://b.example"] };
  const template = relayList(list);
  assert.deepEqual(template.tags, [["r", "wss://a.example", "write"], ["r", "wss://b.example"]]);
  assert.deepEqual(decodeRelayList(event(template)), list);
  const servers = ["https://a.example", "https://b.example"];
  assert.deepEqual(decodeBlossomList(event(blossomList(servers))), servers);
  assert.equal(decodeBlossomList(event(template)), undefined);
});
