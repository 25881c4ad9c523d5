import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type Announcement,
  decodeAnnouncement,
  encodeAnnouncement,
} from "../../../../../lib/transports/nostr/repositories/announcement.ts";
import type { NostrEvent } from "../../../../../lib/transports/nostr/events/event.ts";
import {
  decodePack,
  encodePack,
  MAX_PACK_TIPS,
  type PackMetadata,
} from "../../../../../lib/transports/nostr/repositories/pack_event.ts";
import {
  decodeBlossomList,
  decodeRelayList,
} from "../../../../../lib/transports/nostr/events/server_lists.ts";
import {
  decodeState,
  encodeState,
} from "../../../../../lib/transports/nostr/repositories/state.ts";
import { anyHex } from "../../../manifest/fixture.ts";
import { alice, blossomList, bob, NOW, relayList } from "../fixture.ts";

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

Deno.test("announcements: what is not told has no tag", () => {
  const none = { clone: [], web: [], relays: [], blossoms: [], maintainers: [] };
  assert.deepEqual(encodeAnnouncement({ identifier: "x", ...none }, NOW), {
    kind: 30617,
    created_at: NOW,
    tags: [["d", "x"]],
    content: "",
  });
  assert.deepEqual(encodeAnnouncement(announcement, NOW).tags, [
    ["d", "hello"],
    ["name", "Hello"],
    ["description", "Greets"],
    ["r", OID, "euc"],
    ["clone", "https://git.example/hello.git"],
    ["web", "https://example.org/hello"],
    ["relays", "wss://relay.example"],
    ["blossoms", "https://blossom.example"],
    ["maintainers", bob.pubkey],
  ]);
});

Deno.test("announcements: so many of each, and so long", () => {
  const read = (...tags: string[][]) =>
    decodeAnnouncement(event({ kind: 30617, tags: [["d", "x"], ...tags] }))!;
  const some = (scheme: string) => Array.from({ length: 20 }, (_, i) => `${scheme}://${i}.example`);
  const many = read(
    ["clone", ...some("git")],
    ["web", ...some("https")],
    ["relays", ...some("wss")],
    ["blossoms", ...some("https")],
    ["maintainers", ...Array.from({ length: 40 }, (_, i) => i.toString(16).padStart(64, "0"))],
  );
  const { clone, web, relays, blossoms, maintainers } = many;
  assert.deepEqual([clone.length, web.length, relays.length, blossoms.length], [16, 16, 16, 16]);
  assert.equal(maintainers.length, 32);
  for (const tag of ["name", "description"] as const) {
    assert.equal(read([tag, "x".repeat(4096)])[tag]?.length, 4096);
    assert.equal(read([tag, "x".repeat(4097)])[tag], undefined);
  }
  const long = (length: number) => "https://git.example/".padEnd(length, "x");
  assert.deepEqual(read(["clone", long(1025), long(1024)]).clone, [long(1024)]);
  for (const oid of [OID, hex(64, "a1")]) {
    assert.equal(read(["r", OTHER], ["r", oid, "euc"]).earliestUniqueCommit, oid);
  }
  assert.equal(read(["r", OTHER], ["x", OID, "euc"]).earliestUniqueCommit, undefined);
});

Deno.test("announcements: git is given only URLs that lead to another machine", () => {
  const read = (...clone: string[]) =>
    decodeAnnouncement(event({ kind: 30617, tags: [["d", "x"], ["clone", ...clone]] }))!.clone;
  const right = ["https://a.example/x", "HTTP://a.example", "ssh://a.example/x", "git://[::1]/x"];
  assert.deepEqual(read(...right), right);
  const wrong = [
    "https://a.example/ x",
    "https://a.example/\x7f",
    "https://-a.example/x",
    "https://[",
  ];
  assert.deepEqual(read(...wrong, "ftp://a.example", "https://a.example:x"), []);
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
  const state = { identifier: "x", refs, peeled: new Map() };
  const own = [["d", "x"], ["refs/heads/main", OID]];
  const expected = { kind: 30618, created_at: NOW, tags: own, content: "" };
  assert.deepEqual(encodeState(state, NOW), expected);
  const more = { tags: [["gtr", "x"]], content: "y" };
  assert.deepEqual(encodeState(state, NOW, more), {
    ...expected,
    ...{ tags: [...own, ["gtr", "x"]], content: "y" },
  });
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
  const tag = ["refs/tags/v", OID];
  for (const peeled of [["refs/tags/v^{}", hex(64, "a")], ["refs/tags/v^{}"]]) {
    const state = decodeState(event({ kind: 30618, tags: [...right, tag, peeled] }));
    assert.equal(state, undefined, peeled.join(" "));
  }
  for (const head of ["ref: refs/tags/x", "ref: refs/heads/a..b", "refs/heads/main", ""]) {
    const state = decodeState(event({ kind: 30618, tags: [...right, ["HEAD", head]] }))!;
    assert.equal(state.head, undefined, head);
  }
});

Deno.test("states: one that names no repository is none", () => {
  const tags = [["refs/heads/main", OID]];
  assert.equal(decodeState(event({ kind: 30618, tags })), undefined);
  assert.equal(decodeState(event({ kind: 30618, tags: [["d", "a/b"], ...tags] })), undefined);
  assert.equal(decodeState(event({ kind: 30617, tags: [["d", "x"], ...tags] })), undefined);
  assert(decodeState(event({ kind: 30618, tags: [["d", "x"], ...tags] })));
});

Deno.test("states: object ids of either format", () => {
  const long = hex(64, "a1");
  const tags = [["d", "x"], ["refs/heads/main", long], ["refs/tags/v", long]];
  const state = decodeState(event({ kind: 30618, tags: [...tags, ["refs/tags/v^{}", long]] }))!;
  assert.deepEqual([...state.refs], [["refs/heads/main", long], ["refs/tags/v", long]]);
  assert.deepEqual([...state.peeled], [["refs/tags/v", long]]);
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

const theirs = { pubkey: alice.pubkey, identifier: "hello" };

Deno.test("packs: told in the tags of NIP-94", () => {
  const [sha256, infohash] = [hex(64, "d"), hex(40, "e")];
  const pack: PackMetadata = {
    ...{ repository: theirs, sha256, size: 10, infohash, chunks: [hex(64, "f")] },
    ...{
      urls: ["https://a.example/x", "https://b.example/x"],
      tips: [OID],
      prerequisites: [OTHER],
    },
  };
  const template = encodePack(pack, NOW);
  assert.deepEqual(template, {
    kind: 1063,
    created_at: NOW,
    tags: [
      ["a", `30617:${alice.pubkey}:hello`],
      ["url", "https://a.example/x"],
      ["fallback", "https://b.example/x"],
      ["m", "application/x-git-packed-objects"],
      ["x", sha256],
      ["ox", sha256],
      ["size", "10"],
      ["i", infohash],
      ["magnet", `magnet:?xt=urn:btih:${infohash}`],
      ["chunk", hex(64, "f")],
      ["c", OID],
      ["prereq", OTHER],
    ],
    content: "",
  });
  const { tags } = encodePack({ ...pack, magnet: "magnet:?x" }, NOW);
  assert.deepEqual(tags.find(([name]) => name === "magnet"), ["magnet", "magnet:?x"]);
  assert.equal(decodePack(event({ ...template, kind: 1 }), theirs), undefined);
  const [[, address], ...others] = template.tags as [[string, string], ...string[][]];
  for (const tags of [others, [["b", address], ...others], [["a"], ...others]]) {
    assert.equal(decodePack(event({ ...template, tags }), theirs), undefined);
  }
});

Deno.test("packs: so many URLs, tips and prerequisites, written and read", () => {
  const urls = Array.from({ length: 20 }, (_, i) => `https://${i}.example/x`);
  const oids = Array.from({ length: 300 }, (_, i) => hex(40, "a").slice(3) + String(100 + i));
  const base = { repository: theirs, sha256: hex(64, "d"), size: 10 };
  const template = encodePack({ ...base, urls, tips: oids, prerequisites: oids }, NOW);
  const count = (name: string) => template.tags.filter(([tag]) => tag === name).length;
  assert.deepEqual(["url", "fallback", "c", "prereq"].map(count), [1, 15, 256, 256]);
  const more = urls.map((url) => ["fallback", `${url}/more`]);
  const tags = [...template.tags, ...more, ["c", ...oids], ["prereq", ...oids]];
  const read = decodePack(event({ ...template, tags }), theirs)!;
  assert.deepEqual(read.urls, urls.slice(0, 16));
  assert.deepEqual([read.tips, read.prerequisites], [oids.slice(0, 256), oids.slice(0, 256)]);
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
  assert.equal(without("size", [["size", "9007199254740992"]]), undefined);
  assert.equal(without("size", [["size", "9007199254740991"]])?.size, Number.MAX_SAFE_INTEGER);
  assert.equal(without("x", [["x", "d".repeat(63)]]), undefined);
  assert.equal(without("", [["prereq", "HEAD"]]), undefined);
  assert.equal(without("url", [["i", hex(40, "e")]])?.infohash, hex(40, "e"));
  assert.equal(without("url", [["i", hex(39, "e")]]), undefined);
  assert.deepEqual(without("url", [["fallback", "https://b.example/y"]])?.urls, [
    "https://b.example/y",
  ]);
});

Deno.test("server lists: relays to write to and to read from, and Blossom servers", () => {
  const list = { write: ["wss://a.example", "wss://b.example"], read: ["wss://b.example"] };
  const template = relayList(list);
  assert.deepEqual(template.tags, [["r", "wss://a.example", "write"], ["r", "wss://b.example"]]);
  assert.deepEqual(decodeRelayList(event(template)), list);
  const servers = ["https://a.example", "https://b.example"];
  assert.deepEqual(decodeBlossomList(event(blossomList(servers))), servers);
  assert.equal(decodeBlossomList(event(template)), undefined);
  assert.equal(decodeRelayList(event(blossomList(servers))), undefined);
});

Deno.test("server lists: so many valid ones of each, and nothing else", () => {
  const many = Array.from({ length: 20 }, (_, i) => `${i}.example`);
  const relays = many.map((host) => ["r", `wss://${host}`, "write"]);
  const other = [["r"], ["r", "https://x.example"], ["x", "wss://x.example"]];
  const tags = [...other, ...relays, ["r", "wss://read.example", "read"]];
  const { write, read } = decodeRelayList(event({ kind: 10002, tags }))!;
  assert.deepEqual(write, many.slice(0, 16).map((host) => `wss://${host}`));
  assert.deepEqual(read, ["wss://read.example"]);
  const servers = many.map((host) => `https://${host}`);
  const [first, ...rest] = servers;
  const listed = event({ kind: 10063, tags: [["server", first!, "wss://x"], ["server", ...rest]] });
  assert.deepEqual(decodeBlossomList(listed), servers.slice(0, 16));
});
