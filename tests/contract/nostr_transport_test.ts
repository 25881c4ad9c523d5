/** What only this network can be put to: relays that die, lie and forget, servers that do the same. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { GtrError } from "../../lib/common/errors.ts";
import { abortable, deadline } from "../../lib/common/wait.ts";
import { bindingTag } from "../../lib/transports/nostr/repositories/binding.ts";
import { encodeAnnouncement } from "../../lib/transports/nostr/repositories/announcement.ts";
import type { EventTemplate, NostrEvent } from "../../lib/transports/nostr/events/event.ts";
import { ANNOUNCEMENT, FILE_METADATA, STATE } from "../../lib/transports/nostr/events/kinds.ts";
import { encodeState } from "../../lib/transports/nostr/repositories/state.ts";
import { derivedSecret } from "../../lib/transports/nostr/keys/derived.ts";
import { localSigner } from "../../lib/transports/nostr/events/signer.ts";
import { formatNostrAddress } from "../../lib/transports/nostr/names/address.ts";
import type { Filter } from "../../lib/transports/nostr/relays/filter.ts";
import { Relays } from "../../lib/transports/nostr/relays/relays.ts";
import type { OpenNostr } from "../../lib/transports/nostr/network.ts";
import { type NetworkOptions, NostrNetwork } from "./nostr_nodes.ts";
import {
  fetchBytes,
  makeManifest,
  makePack,
  publish,
  resolveAll,
  resolveLast,
  testKey,
} from "./publications.ts";

const [alice, bob, mallory] = [testKey(1), testKey(2), testKey(66)];
const SIZE = 300_000;
const MS = 20_000;
const signer = localSigner(derivedSecret(alice));
const eve = localSigner(derivedSecret(mallory));

function test(
  name: string,
  options: NetworkOptions,
  run: (network: NostrNetwork, folder: string) => Promise<void>,
): void {
  Deno.test(`nostr: ${name}`, async () => {
    const folder = await Deno.makeTempDir();
    try {
      await using network = await NostrNetwork.start(options);
      await run(network, folder);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

/** Somebody with relays and nothing else. */
async function withRelays<T>(
  network: NostrNetwork,
  work: (relays: Relays, urls: string[], signal: AbortSignal) => Promise<T>,
): Promise<T> {
  using relays = new Relays({ dropped: () => {} });
  using limit = deadline(MS, "relays");
  return await work(relays, network.relays.map(({ url }) => url), limit.signal);
}

function ask(network: NostrNetwork, filter: Filter): Promise<NostrEvent[]> {
  return withRelays(
    network,
    async (relays, urls, signal) => (await relays.query(urls, [filter], signal)).events,
  );
}

function put(network: NostrNetwork, template: EventTemplate, by = signer): Promise<void> {
  return withRelays(network, async (relays, urls, signal) => {
    await relays.publish(urls, await by.sign(template, signal), 1, signal);
  });
}

/** Asks again until it is so, or fails at the deadline. */
async function until(what: string, ask: () => Promise<boolean>): Promise<void> {
  using limit = deadline(MS, what);
  while (!await ask()) limit.signal.throwIfAborted();
}

async function shared(network: NostrNetwork, folder: string) {
  const a = await network.join(alice);
  const file = await makePack(folder, SIZE);
  const signed = makeManifest(alice, a, { packs: [file.pack] });
  await publish(a, signed, [file]);
  return { a, file, signed };
}

function hasCode(code: string) {
  return (error: unknown) => error instanceof GtrError && error.code === code;
}

async function located(node: OpenNostr, address: string) {
  using limit = deadline(MS, "what an address leads to");
  const registry = "/nowhere/registry.json"; // no name is in these addresses
  return await node.locator.locate(address, { signal: limit.signal, registry });
}

const now = () => Math.floor(Date.now() / 1000);
const address = (relays: readonly string[]) =>
  formatNostrAddress({ pubkey: signer.pubkey, identifier: "hello", relays });

test("an npub leads to the publisher, and nobody is asked twice", {}, async (network) => {
  const a = await network.join(alice);
  const signed = makeManifest(alice, a);
  await publish(a, signed, []);
  const b = await network.join(bob, { env: { GTR_NOSTR_RELAYS: "none" } });
  const wanted = { scheme: "nostr", id: alice.id, publicKey: alice.publicKeyHex, name: "hello" };
  const url = address([network.relays[0]!.url]);
  assert.deepEqual(await located(b, url), { address: wanted });
  await network.relays[0]!.kill();
  assert.deepEqual(await resolveAll(b, wanted), [signed]);
});

test(
  "the pack's event tells where it is, and what it holds",
  { servers: 2 },
  async (network, folder) => {
    const { file: { pack } } = await shared(network, folder);
    const [event, ...more] = await ask(network, { kinds: [FILE_METADATA], "#x": [pack.sha256] });
    assert.equal(more.length, 0);
    const value = (name: string) => event!.tags.find((tag) => tag[0] === name)?.[1];
    const [first, second] = network.servers.map(({ url }) => `${url}/${pack.sha256}`);
    assert.deepEqual([value("url"), value("fallback")], [first, second]);
    assert.equal(value("size"), String(SIZE));
    assert.equal(value("c"), pack.tips[0]);
    assert.match(
      value("magnet")!,
      new RegExp(`^magnet:\\?xt=urn:btih:${pack.infohash}&dn=.*&xl=${SIZE}$`),
    );
    for (const url of [first!, second!]) {
      assert.equal((await (await fetch(url)).arrayBuffer()).byteLength, SIZE);
    }
  },
);

test(
  "what is published already is neither signed nor stored again",
  {},
  async (network, folder) => {
    const { file, signed } = await shared(network, folder);
    const all = { authors: [signer.pubkey] };
    const before = await ask(network, all);
    const again = await network.join(alice); // as after a restart
    await publish(again, signed, [file]);
    assert.deepEqual((await ask(network, all)).map(({ id }) => id), before.map(({ id }) => id));
  },
);

test(
  "a server that sends wrong bytes is left for another",
  { servers: 2 },
  async (network, folder) => {
    const { file, signed } = await shared(network, folder);
    await network.servers[0]!.turn("tamper", true);
    const b = await network.join(bob);
    const bytes = await fetchBytes(b, file.pack, signed, join(folder, "into"));
    assert.deepEqual(bytes, await Deno.readFile(file.path));
    assert.deepEqual(network.dropped.toJSON(), { "wrong-blob": 1 });
  },
);

test("where all servers lie there is no pack", {}, async (network, folder) => {
  const { file, signed } = await shared(network, folder);
  await network.servers[0]!.turn("tamper", true);
  const b = await network.join(bob);
  const into = join(folder, "into");
  await assert.rejects(fetchBytes(b, file.pack, signed, into), hasCode("nobody-answered"));
  await assert.rejects(Deno.stat(into), Deno.errors.NotFound);
});

test(
  "a server that hangs up in the middle is gone on with",
  { servers: 2 },
  async (network, folder) => {
    const { file, signed } = await shared(network, folder);
    await network.servers[0]!.turn("cut", true);
    const b = await network.join(bob);
    const bytes = await fetchBytes(b, file.pack, signed, join(folder, "into"));
    assert.deepEqual(bytes, await Deno.readFile(file.path));
    await network.servers[1]!.turn("outage", true);
    await network.servers[0]!.turn("cut", false);
    assert.deepEqual(await fetchBytes(b, file.pack, signed, join(folder, "other")), bytes);
  },
);

test(
  "one server that is full, or down, holds up nobody",
  { servers: 2, largest: 1000 },
  async (network, folder) => {
    const { file, signed } = await shared(network, folder);
    const b = await network.join(bob);
    const bytes = await fetchBytes(b, file.pack, signed, join(folder, "into"));
    assert.deepEqual(bytes, await Deno.readFile(file.path));
    assert.match(network.logged.join("\n"), /can't store [0-9a-f]{12} on .*more than 1000 bytes/);
  },
);

test("no state without its packs", { largest: 1000 }, async (network, folder) => {
  const a = await network.join(alice);
  const file = await makePack(folder, SIZE);
  const signed = makeManifest(alice, a, { packs: [file.pack] });
  await assert.rejects(publish(a, signed, [file]), hasCode("blob-too-large"));
  assert.deepEqual(await ask(network, { kinds: [STATE, ANNOUNCEMENT, FILE_METADATA] }), []);
});

test("a server that was down gets the pack later", {}, async (network, folder) => {
  await network.servers[0]!.turn("outage", true);
  const a = await network.join(alice);
  const file = await makePack(folder, SIZE);
  const signed = makeManifest(alice, a, { packs: [file.pack] });
  await assert.rejects(publish(a, signed, [file]), hasCode("server-refused"));
  await network.servers[0]!.turn("outage", false);
  const b = await network.join(bob);
  await until("the publication", async () => await resolveLast(b, alice) !== undefined);
  const bytes = await fetchBytes(b, file.pack, signed, join(folder, "into"));
  assert.deepEqual(bytes, await Deno.readFile(file.path));
});

test("dead relays are not an empty repository", { relays: 2 }, async (network) => {
  const a = await network.join(alice);
  const signed = makeManifest(alice, a);
  await publish(a, signed, []);
  const b = await network.join(bob);
  await network.relays[0]!.kill();
  assert.deepEqual(await resolveLast(b, alice), signed);
  const [dead, alive] = network.relays.map(({ url }) => url);
  const unknown = formatNostrAddress({ pubkey: eve.pubkey, identifier: "hello", relays: [] });
  await assert.rejects(located(b, unknown), (error: GtrError) => {
    assert.equal(error.code, "nobody-answered");
    assert.match(error.message, new RegExp(`${alive} knows no repository .*, ${dead} didn't`));
    assert.match(error.hint!, /try again/);
    return true;
  });
  await network.relays[1]!.kill();
  await assert.rejects(resolveLast(b, alice), hasCode("unreachable"));
  await assert.rejects(located(b, address([])), hasCode("unreachable"));
});

test("a relay that was down gets what it missed", { relays: 2 }, async (network) => {
  const [relay, other] = network.relays;
  const a = await network.join(alice);
  await relay!.kill();
  const signed = makeManifest(alice, a);
  await publish(a, signed, []); // one of two is enough
  await relay!.restart();
  const b = await network.join(bob, { env: { GTR_NOSTR_RELAYS: relay!.url } });
  await until("the relay to have it", async () => {
    return (await resolveAll(b, { id: alice.id, name: "hello" })).length > 0;
  });
  await other!.kill();
  assert.deepEqual(await resolveLast(b, alice), signed);
});

test("too few relays are an error that says so", { relays: 2 }, async (network) => {
  const a = await network.join(alice, { env: { GTR_NOSTR_QUORUM: "2" } });
  await network.relays[0]!.kill();
  await assert.rejects(publish(a, makeManifest(alice, a), []), (error: GtrError) => {
    assert.equal(error.code, "no-quorum");
    assert.match(error.message, /1 of 2 relays took it, 2 needed/);
    return true;
  });
});

test("who watches hears it through a relay's death", {}, async (network) => {
  const [relay] = network.relays;
  const [a, b] = [await network.join(alice), await network.join(bob)];
  const one = makeManifest(alice, a);
  await publish(a, one, []);
  const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  using _watch = b.notices.watch(one.manifest, (n) => (n === 1 ? first : second).resolve());
  using limit = deadline(MS, "a notice");
  await abortable(first.promise, limit.signal);
  await relay!.restart();
  const two = makeManifest(alice, a, { sequence: 2 });
  await publish(a, two, []).catch(() => {}); // the connection may still look alive
  await abortable(second.promise, limit.signal);
});

test("another's announcement of the same repository is not believed", {}, async (network) => {
  const a = await network.join(alice);
  const signed = makeManifest(alice, a);
  await publish(a, signed, []);
  const [real] = await ask(network, { kinds: [ANNOUNCEMENT], authors: [signer.pubkey] });
  const [state] = await ask(network, { kinds: [STATE], authors: [signer.pubkey] });
  // Copied, tags and all, and newer.
  for (const { kind, tags, content } of [real!, state!]) {
    await put(network, { kind, tags, content, created_at: now() + 60 }, eve);
  }
  const b = await network.join(bob);
  assert.deepEqual(await resolveAll(b, { id: alice.id, name: "hello" }), [signed]);
  const url = formatNostrAddress({ pubkey: eve.pubkey, identifier: "hello", relays: [] });
  await assert.rejects(located(b, url), hasCode("wrong-key"));
});

test("a key that claims a publisher who doesn't name it is refused", {}, async (network) => {
  const a = await network.join(alice);
  const other = makeManifest(alice, a); // alice says that her key is eve's, in no manifest
  await publish(a, other, []);
  const tags = [bindingTag(alice, eve.pubkey, "hello")];
  const content = (await ask(network, { kinds: [STATE], authors: [signer.pubkey] }))[0]!.content;
  const refs = new Map(Object.entries(other.manifest.refs));
  const state = { identifier: "hello", refs, peeled: new Map(), head: other.manifest.head };
  await put(network, encodeState(state, now(), { tags, content }), eve);
  const b = await network.join(bob);
  const endpoint = `${eve.pubkey}@${network.relays[0]!.url}`;
  using limit = deadline(MS, "an answer");
  const wanted = { scheme: "nostr", id: alice.id, publicKey: alice.publicKeyHex, name: "hello" };
  const found = await Array.fromAsync(b.records.resolve(wanted, { ...limit, known: [endpoint] }));
  assert.deepEqual(found, [other]); // hers, by her own key
  assert.equal(network.dropped.toJSON()["wrong-key"], 1);
});

test("a state that says something else than its manifest is refused", {}, async (network) => {
  const a = await network.join(alice);
  const signed = makeManifest(alice, a);
  await publish(a, signed, []);
  const [real] = await ask(network, { kinds: [STATE] });
  const tags = real!.tags.map(([name, value, ...more]) =>
    name === "refs/heads/branch-0"
      ? [name, randomBytes(20).toString("hex")]
      : [name!, value!, ...more]
  );
  await put(network, { kind: STATE, tags, content: real!.content, created_at: now() + 5 });
  const b = await network.join(bob);
  await assert.rejects(resolveLast(b, alice), hasCode("state-disagrees"));
});

test("a push by another program is told, and mended by publishing again", {}, async (network) => {
  const a = await network.join(alice);
  await publish(a, makeManifest(alice, a), []);
  const refs = new Map([["refs/heads/main", randomBytes(20).toString("hex")]]);
  const state = { identifier: "hello", refs, peeled: new Map(), head: "refs/heads/main" };
  await put(network, encodeState(state, now() + 5));
  const b = await network.join(bob);
  await assert.rejects(resolveLast(b, alice), (error: GtrError) => {
    assert.equal(error.code, "changed-elsewhere");
    assert.match(error.message, /a program other than gtr has pushed to it/);
    return true;
  });
  const again = await network.join(alice);
  const next = makeManifest(alice, again, { sequence: 2 });
  await publish(again, next, []);
  assert.deepEqual(await resolveLast(b, alice), next);
});

test("what people added to the announcement with other programs stays", {}, async (network) => {
  const announced = {
    identifier: "hello",
    name: "Hello!",
    clone: ["https://git.example/hello.git"],
    web: ["https://example.org/hello"],
    relays: [],
    blossoms: [],
    maintainers: [eve.pubkey],
    earliestUniqueCommit: "a1".repeat(20),
  };
  await put(network, encodeAnnouncement(announced, now() - 10));
  const a = await network.join(alice);
  await publish(a, makeManifest(alice, a), []);
  const [event] = await ask(network, { kinds: [ANNOUNCEMENT] });
  const has = (...wanted: string[]) =>
    assert.ok(
      event!.tags.some((tag) => JSON.stringify(tag) === JSON.stringify(wanted)),
      wanted.join(),
    );
  has("name", "Hello!");
  has("clone", "https://git.example/hello.git");
  has("web", "https://example.org/hello");
  has("maintainers", eve.pubkey);
  has("r", "a1".repeat(20), "euc");
  has("i", `gtr:${alice.id}/hello`);
});

test("what is withdrawn is deleted, and can be published again", {}, async (network, folder) => {
  const { a, signed } = await shared(network, folder);
  await a.records.retract(signed.manifest);
  assert.deepEqual(await ask(network, { kinds: [STATE, ANNOUNCEMENT, FILE_METADATA] }), []);
  const b = await network.join(bob);
  assert.deepEqual(await resolveAll(b, { id: alice.id, name: "hello" }), []);
  const next = makeManifest(alice, a, { sequence: 2 });
  await publish(a, next, []);
  assert.deepEqual(await resolveLast(b, alice), next);
});

test(
  "a server in one's own network is not called because a stranger says so",
  {},
  async (network, folder) => {
    const { file, signed } = await shared(network, folder);
    const named = [`${signer.pubkey}@${network.relays[0]!.url}`];
    const b = await network.join(bob, {
      env: { GTR_NOSTR_RELAYS: "none", GTR_NOSTR_BLOSSOM: "none" },
    });
    using limit = deadline(MS, "an answer");
    const wanted = { scheme: "nostr", id: alice.id, publicKey: alice.publicKeyHex, name: "hello" };
    assert.deepEqual(
      await Array.fromAsync(b.records.resolve(wanted, { ...limit, known: named })),
      [],
    );
    await assert.rejects(
      fetchBytes(b, file.pack, signed, join(folder, "into")),
      hasCode("no-source"),
    );
  },
);

test("what servers and relays lost they get again", {}, async (network, folder) => {
  const a = await network.join(alice, { keepAlive: 200 });
  const file = await makePack(folder, SIZE);
  const signed = makeManifest(alice, a, { packs: [file.pack] });
  await publish(a, signed, [file]);
  await network.servers[0]!.restart(); // with nothing
  await network.relays[0]!.restart();
  const b = await network.join(bob);
  await until("the publication", async () => {
    return await resolveLast(b, alice).catch(() => undefined) !== undefined;
  });
  const bytes = await fetchBytes(b, file.pack, signed, join(folder, "into"));
  assert.deepEqual(bytes, await Deno.readFile(file.path));
});

test(
  "a follower stores what no server has, and tells other relays",
  { relays: 2, servers: 2 },
  async (network, folder) => {
    const [first, second] = network.relays;
    const [theirs, ours] = network.servers;
    const env = { GTR_NOSTR_RELAYS: first!.url, GTR_NOSTR_BLOSSOM: theirs!.url };
    const a = await network.join(alice, { env });
    const file = await makePack(folder, SIZE);
    const signed = makeManifest(alice, a, { packs: [file.pack] });
    await publish(a, signed, [file]);
    const b = await network.join(bob, { env: { GTR_NOSTR_BLOSSOM: ours!.url } });
    assert.deepEqual(await resolveLast(b, alice), signed);
    await theirs!.kill();
    await publish(b, signed, [file]);
    await first!.kill();
    const c = await network.join(mallory, {
      env: { GTR_NOSTR_RELAYS: second!.url, GTR_NOSTR_BLOSSOM: ours!.url },
    });
    assert.deepEqual(await resolveLast(c, alice), signed);
    const bytes = await fetchBytes(c, file.pack, signed, join(folder, "into"));
    assert.deepEqual(bytes, await Deno.readFile(file.path));
  },
);

test(
  "what a manifest names is not contacted by who doesn't use Nostr",
  {},
  async (network, folder) => {
    const { signed, file } = await shared(network, folder);
    const relay = network.relays[0]!;
    // A public relay, as far as its name goes; nobody may even look for it.
    const known = [`${signer.pubkey}@wss://relay.invalid`, ...signed.manifest.endpoints.nostr!];
    const b = await network.join(bob, { env: { GTR_NOSTR_RELAYS: "none" } });
    using limit = deadline(MS, "an answer");
    const wanted = { id: alice.id, publicKey: alice.publicKeyHex, name: "hello" };
    const ask = (scheme: string) =>
      Array.fromAsync(b.records.resolve({ scheme, ...wanted }, { ...limit, known }));
    assert.deepEqual(await ask("torrent"), []);
    b.notices.watch(signed.manifest, () => {})[Symbol.dispose]();
    assert.deepEqual(network.logged, []);
    await located(b, address([relay.url]));
    assert.deepEqual(await ask("torrent"), [signed]); // the user named the relay
    const bytes = await fetchBytes(b, file.pack, signed, join(folder, "into"));
    assert.deepEqual(bytes, await Deno.readFile(file.path));
  },
);

test("without relays nobody is contacted", { relays: 0, servers: 0 }, async (network) => {
  const a = await network.join(alice);
  assert.deepEqual([a.endpoints(), a.naming.own("hello")], [[], undefined]);
  await publish(a, makeManifest(alice, a), []);
  assert.deepEqual(await resolveAll(a, { id: bob.id, name: "hello" }), []);
  using limit = deadline(MS, "health");
  assert.match((await a.health.probe(limit)).summary, /publishes once nostr\.relays is set/);
  const url = formatNostrAddress({ pubkey: eve.pubkey, identifier: "hello", relays: [] });
  await assert.rejects(located(a, url), (error: GtrError) => {
    assert.match(error.hint!, /nostr\.relays/);
    return true;
  });
});

test("the key of git's configuration signs", {}, async (network) => {
  const config = { "nostr.nsec": "11".repeat(32) };
  const a = await network.join(alice, { config });
  const signed = makeManifest(alice, a);
  await publish(a, signed, []);
  const own = localSigner(new Uint8Array(32).fill(0x11));
  assert.match(signed.manifest.endpoints.nostr![0]!, new RegExp(`^${own.pubkey}@ws://`));
  const [event] = await ask(network, { kinds: [STATE] });
  assert.equal(event!.pubkey, own.pubkey);
  assert.deepEqual(await resolveLast(await network.join(bob), alice), signed);
});
