/** Packs and long manifests in events, where there is no Blossom server: relays that lose and forge them. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { GtrError } from "../../lib/common/errors.ts";
import { deadline } from "../../lib/common/wait.ts";
import { CHUNK_BYTES, MAX_CHUNKED } from "../../lib/transports/nostr/chunks/chunk.ts";
import { type NostrEvent, tagValue } from "../../lib/transports/nostr/events/event.ts";
import {
  DELETION,
  FILE_DATA,
  FILE_METADATA,
  STATE,
} from "../../lib/transports/nostr/events/kinds.ts";
import { type NetworkOptions, NostrNetwork } from "./nostr_nodes.ts";
import { askRelay, relayHere, until } from "../fixtures/nostr/relay_here.ts";
import {
  fetchBytes,
  makeManifest,
  makePack,
  publish,
  resolveLast,
  testKey,
} from "./publications.ts";

const [alice, bob] = [testKey(1), testKey(2)];
const SIZE = 20 * CHUNK_BYTES + 1234; // more than is asked for at once
const env = { GTR_NOSTR_EVENTPACKS: "8m" };

function test(
  name: string,
  options: NetworkOptions,
  run: (network: NostrNetwork, folder: string) => Promise<void>,
): void {
  Deno.test(`nostr: ${name}`, async () => {
    const folder = await Deno.makeTempDir();
    try {
      await using network = await NostrNetwork.start({ servers: 0, ...options });
      await run(network, folder);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

async function shared(network: NostrNetwork, folder: string, size = SIZE) {
  const a = await network.join(alice, { env });
  const file = await makePack(folder, size);
  const signed = makeManifest(alice, a, { packs: [file.pack] });
  await publish(a, signed, [file]);
  return { a, file, signed };
}

/** A relay that holds what another has, each event as `change` makes it. */
async function copyOf(url: string, change: (event: NostrEvent) => NostrEvent | undefined) {
  const copy = relayHere();
  const kinds = [30617, STATE, FILE_METADATA];
  const named = await askRelay(url, { kinds });
  const ids = named.flatMap(({ tags }) =>
    tags.flatMap(([name, ...ids]) => name === "chunk" ? ids : [])
  );
  for (const event of [...named, ...await askRelay(url, { ids })]) {
    const changed = change(event);
    if (changed) copy.store.upsert(changed);
  }
  return copy;
}

function chunksOf(network: NostrNetwork): Promise<NostrEvent[]> {
  return askRelay(network.relays[0]!.url, { kinds: [FILE_DATA] });
}

test("a pack without any server is in events", {}, async (network, folder) => {
  const { file, signed } = await shared(network, folder);
  const [event] = await askRelay(network.relays[0]!.url, { kinds: [FILE_METADATA] });
  const [, ...ids] = event!.tags.find(([name]) => name === "chunk")!;
  assert.equal(ids.length, 21);
  assert.equal(tagValue(event!, "url"), undefined);
  for (const chunk of await chunksOf(network)) {
    assert.ok(ids.includes(chunk.id));
    assert.ok(JSON.stringify(chunk).length < 65_536);
  }
  const b = await network.join(bob);
  assert.deepEqual(await resolveLast(b, alice), signed);
  const bytes = await fetchBytes(b, file.pack, signed, join(folder, "into"));
  assert.deepEqual(bytes, await Deno.readFile(file.path));
  assert.deepEqual(network.dropped.toJSON(), {});
});

test("a pack that another network told of is looked for again", {}, async (network, folder) => {
  const { a, file } = await shared(network, folder);
  const b = await network.join(bob);
  await resolveLast(b, alice);
  const more = await makePack(folder, 1000);
  const packs = [file, more];
  const next = makeManifest(alice, a, { packs: packs.map(({ pack }) => pack), sequence: 2 });
  await publish(a, next, packs);
  const bytes = await fetchBytes(b, more.pack, next, join(folder, "into"));
  assert.deepEqual(bytes, await Deno.readFile(more.path));
});

test("what has come of a pack is gone on with", {}, async (network, folder) => {
  const { file, signed } = await shared(network, folder);
  const whole = await Deno.readFile(file.path);
  const b = await network.join(bob);
  await resolveLast(b, alice);
  for (const there of [1, CHUNK_BYTES, 17 * CHUNK_BYTES + 5, SIZE - 1]) {
    const into = join(folder, String(there));
    await Deno.writeFile(into, whole.subarray(0, there));
    assert.deepEqual(await fetchBytes(b, file.pack, signed, into), whole);
  }
  const wrong = join(folder, "wrong");
  await Deno.writeFile(wrong, new Uint8Array(CHUNK_BYTES + 7));
  assert.deepEqual(await fetchBytes(b, file.pack, signed, wrong), whole);
});

test("without the setting no pack is put into events", {}, async (network, folder) => {
  const a = await network.join(alice);
  const file = await makePack(folder, SIZE);
  await publish(a, makeManifest(alice, a, { packs: [file.pack] }), [file]);
  assert.deepEqual(await chunksOf(network), []);
});

test("a pack that is over the setting is not put into events", {}, async (network, folder) => {
  const a = await network.join(alice, { env: { GTR_NOSTR_EVENTPACKS: "700k" } });
  const [small, large] = [await makePack(folder, 100_000), await makePack(folder, SIZE)];
  const packs = [small, large];
  await publish(a, makeManifest(alice, a, { packs: packs.map(({ pack }) => pack) }), packs);
  assert.equal((await chunksOf(network)).length, 3);
  assert.match(network.logged.join("\n"), /is in no event: of its \d+ bytes only \d+ may be/);
});

test("packs are split where several have room", {}, async (network) => {
  const limit = async (bytes: string) =>
    (await network.join(alice, { env: { GTR_NOSTR_EVENTPACKS: bytes } })).packs.maxBytes();
  assert.equal(await limit("18m"), undefined); // what is larger goes nowhere anyway
  assert.equal(await limit("19m"), MAX_CHUNKED);
});

test("a server that refuses a pack leaves it to events", { servers: 1, largest: 1000 }, async (
  network,
  folder,
) => {
  const { file, signed } = await shared(network, folder);
  const b = await network.join(bob);
  const bytes = await fetchBytes(b, file.pack, signed, join(folder, "into"));
  assert.deepEqual(bytes, await Deno.readFile(file.path));
});

test(
  "a server that has the pack makes events needless",
  { servers: 1 },
  async (network, folder) => {
    await shared(network, folder);
    assert.deepEqual(await chunksOf(network), []);
  },
);

test("chunks that a relay lost or forged come from the next", {}, async (network, folder) => {
  const { file, signed } = await shared(network, folder);
  const { url } = network.relays[0]!;
  const [event] = await askRelay(url, { kinds: [FILE_METADATA] });
  const [, lost, forged] = event!.tags.find(([name]) => name === "chunk")!;
  const content = randomBytes(CHUNK_BYTES).toString("base64");
  await using copy = await copyOf(url, (one) => {
    if (one.id === lost) return undefined;
    return one.id === forged ? { ...one, content } : one;
  });
  const b = await network.join(bob, { env: { GTR_NOSTR_RELAYS: `${copy.url},${url}` } });
  assert.deepEqual(await resolveLast(b, alice), signed);
  const bytes = await fetchBytes(b, file.pack, signed, join(folder, "into"));
  assert.deepEqual(bytes, await Deno.readFile(file.path));
  assert.deepEqual(network.dropped.toJSON(), { "forged-event": 1 });
});

test(
  "where all relays forge there is no pack, and what came stays",
  {},
  async (network, folder) => {
    const { file, signed } = await shared(network, folder);
    const { url } = network.relays[0]!;
    const [event] = await askRelay(url, { kinds: [FILE_METADATA] });
    const last = event!.tags.find(([name]) => name === "chunk")!.at(-1);
    await using copy = await copyOf(url, (one) => one.id === last ? { ...one, content: "" } : one);
    await network.relays[0]!.kill();
    const b = await network.join(bob, { env: { GTR_NOSTR_RELAYS: copy.url } });
    assert.deepEqual(await resolveLast(b, alice), signed);
    const into = join(folder, "into");
    await assert.rejects(fetchBytes(b, file.pack, signed, into), (error: GtrError) => {
      assert.equal(error.code, "nobody-answered");
      assert.match(error.message, /1 of 5 events with its bytes are on no relay/);
      return true;
    });
    const whole = await Deno.readFile(file.path);
    assert.deepEqual(await Deno.readFile(into), whole.subarray(0, 16 * CHUNK_BYTES));
    assert.equal(network.dropped.toJSON()["forged-event"], 1);
  },
);

test("no state before its packs, on any relay", { relays: 0 }, async (network, folder) => {
  const taken: number[] = [];
  let refuse = "";
  await using relay = relayHere({
    refuse: ({ kind }) => kind === FILE_DATA && refuse ? refuse : undefined,
    taken: ({ kind }) => Promise.resolve(void taken.push(kind)),
  });
  refuse = "invalid: too long";
  const here = { ...env, GTR_NOSTR_RELAYS: relay.url };
  const a = await network.join(alice, { env: here });
  const file = await makePack(folder, SIZE);
  const signed = makeManifest(alice, a, { packs: [file.pack] });
  await assert.rejects(publish(a, signed, [file]), (error: GtrError) => {
    assert.equal(error.code, "no-quorum");
    assert.match(error.message, /too long/);
    return true;
  });
  assert.ok(taken.length > 0 && !taken.some((kind) => kind !== 30617), taken.join());
  refuse = "";
  await until("the state", async () => (await askRelay(relay.url, { kinds: [STATE] })).length > 0);
  assert.ok(taken.lastIndexOf(FILE_DATA) < taken.indexOf(FILE_METADATA));
  assert.ok(taken.indexOf(FILE_METADATA) < taken.indexOf(STATE));
});

test("a relay that takes no packs still says where things are", {}, async (network, folder) => {
  await using other = relayHere({
    refuse: ({ kind }) => kind === FILE_DATA ? "blocked: kind" : undefined,
  });
  const { url } = network.relays[0]!;
  const a = await network.join(alice, {
    env: { ...env, GTR_NOSTR_RELAYS: `${other.url},${url}` },
  });
  const file = await makePack(folder, SIZE);
  const signed = makeManifest(alice, a, { packs: [file.pack] });
  await publish(a, signed, [file]);
  await until("its state", async () => (await askRelay(other.url, { kinds: [STATE] })).length > 0);
  // The announcement leads to the relay that has the bytes.
  const b = await network.join(bob, { env: { GTR_NOSTR_RELAYS: other.url } });
  assert.deepEqual(await resolveLast(b, alice), signed);
  const bytes = await fetchBytes(b, file.pack, signed, join(folder, "into"));
  assert.deepEqual(bytes, await Deno.readFile(file.path));
});

test("a relay that stops in the middle is gone on with", { relays: 0 }, async (network, folder) => {
  const taken: string[] = [];
  const refused = { left: 3 };
  await using relay = relayHere({
    refuse: ({ kind }) =>
      kind === FILE_DATA && taken.length >= 10 && refused.left-- > 0 ? "error: full" : undefined,
    taken: ({ kind, id }) => Promise.resolve(void (kind === FILE_DATA && taken.push(id))),
  });
  const a = await network.join(alice, { env: { ...env, GTR_NOSTR_RELAYS: relay.url } });
  const file = await makePack(folder, SIZE);
  const signed = makeManifest(alice, a, { packs: [file.pack] });
  await assert.rejects(publish(a, signed, [file]));
  await until("the state", async () => (await askRelay(relay.url, { kinds: [STATE] })).length > 0);
  assert.equal(taken.length, 21);
  assert.equal(new Set(taken).size, 21);
});

test("GRASP servers are given no packs", {}, async (network, folder) => {
  const kinds: number[] = [];
  await using grasp = relayHere({ taken: ({ kind }) => Promise.resolve(void kinds.push(kind)) });
  const server = grasp.url.replace("ws:", "http:");
  const own = { ...env, GTR_NOSTR_GRASP: server, GTR_NOSTR_QUORUM: "2" };
  const a = await network.join(alice, { env: own });
  const file = await makePack(folder, SIZE);
  await publish(a, makeManifest(alice, a, { packs: [file.pack] }), [file]);
  assert.ok(kinds.includes(STATE) && !kinds.includes(FILE_DATA), kinds.join());
  assert.equal((await chunksOf(network)).length, 21);
  // Where there is nothing else, it is all there is.
  const alone = await network.join(bob, {
    env: { ...env, GTR_NOSTR_GRASP: server, GTR_NOSTR_RELAYS: "none" },
  });
  await publish(alone, makeManifest(bob, alone, { packs: [file.pack] }), [file]);
  assert.ok(!kinds.includes(FILE_DATA));
});

test("chunks are the same after a restart, and go with their pack", {}, async (network, folder) => {
  const { signed, file } = await shared(network, folder);
  const ids = (await chunksOf(network)).map(({ id }) => id).sort();
  const again = await network.join(alice, { env }); // as after a restart
  await publish(again, signed, [file]);
  assert.deepEqual((await chunksOf(network)).map(({ id }) => id).sort(), ids);
  const other = await makePack(folder, CHUNK_BYTES);
  const next = makeManifest(alice, again, { packs: [other.pack], sequence: 2 });
  await publish(again, next, [other]);
  const [left, ...more] = await chunksOf(network);
  assert.equal(more.length, 0);
  assert.ok(!ids.includes(left!.id));
  await again.records.retract(next.manifest);
  assert.deepEqual(await chunksOf(network), []);
});

test("a relay that forgot the chunks gets them again", {}, async (network, folder) => {
  const a = await network.join(alice, { env, keepAlive: 200 });
  const file = await makePack(folder, SIZE);
  const signed = makeManifest(alice, a, { packs: [file.pack] });
  await publish(a, signed, [file]);
  await network.relays[0]!.restart();
  const b = await network.join(bob);
  await until("the publication", async () => {
    return await resolveLast(b, alice).catch(() => undefined) !== undefined;
  });
  const bytes = await fetchBytes(b, file.pack, signed, join(folder, "into"));
  assert.deepEqual(bytes, await Deno.readFile(file.path));
});

test("a pack is handed to a relay once, whatever is published after it", { relays: 0 }, async (
  network,
  folder,
) => {
  let chunks = 0;
  await using relay = relayHere({
    refuse: ({ kind }) => kind === FILE_DATA && ++chunks > 22 ? "error: again" : undefined,
  });
  const a = await network.join(alice, { env: { ...env, GTR_NOSTR_RELAYS: relay.url } });
  const [base, more] = [await makePack(folder, SIZE), await makePack(folder, 10)];
  await publish(a, makeManifest(alice, a, { packs: [base.pack] }), [base]);
  const packs = [base, more];
  const next = makeManifest(alice, a, { packs: packs.map(({ pack }) => pack), sequence: 2 });
  await publish(a, next, packs);
  assert.equal(chunks, 22);
});

test("1,500 refs without any server", {}, async (network) => {
  const a = await network.join(alice);
  const signed = makeManifest(alice, a, { refs: 1500 });
  await publish(a, signed, []);
  const [state] = await askRelay(network.relays[0]!.url, { kinds: [STATE] });
  assert.equal(state!.content, "");
  const b = await network.join(bob);
  assert.deepEqual(await resolveLast(b, alice), signed);
  const before = (await chunksOf(network)).length;
  assert.ok(before > 1);
  const next = makeManifest(alice, a, { sequence: 2 });
  await publish(a, next, []);
  assert.deepEqual(await resolveLast(b, alice), next);
  assert.deepEqual(await chunksOf(network), []); // nobody needs them any more
  assert.ok((await askRelay(network.relays[0]!.url, { kinds: [DELETION] })).length > 0);
});

test("a follower hands on what is in events", { relays: 3 }, async (network, folder) => {
  const [theirs, ours, third] = network.relays.map(({ url }) => url);
  const a = await network.join(alice, { env: { ...env, GTR_NOSTR_RELAYS: theirs! } });
  const file = await makePack(folder, SIZE);
  const signed = makeManifest(alice, a, { packs: [file.pack], refs: 1500 });
  await publish(a, signed, [file]);
  const chunks = await askRelay(theirs!, { kinds: [FILE_DATA] });
  assert(chunks.length > 22, "the manifest's too");
  const b = await network.join(bob, {
    env: { GTR_NOSTR_RELAYS: [ours, third].join(",") },
  });
  using limit = deadline(60_000, "the follower to find it");
  const known = signed.manifest.endpoints.nostr!;
  const found = b.records.resolve({ scheme: "nostr", id: alice.id, name: "hello" }, {
    ...limit,
    known,
  });
  assert.deepEqual(await Array.fromAsync(found), [signed]);
  await publish(b, signed, [file]);
  for (const url of [ours!, third!]) {
    await until(
      "the relay to have the state",
      async () => (await askRelay(url, { kinds: [STATE] })).length === 1,
    );
    assert.equal((await askRelay(url, { kinds: [FILE_DATA] })).length, chunks.length);
  }
  await network.relays[0]!.kill();
  const c = await network.join(testKey(3), { env: { GTR_NOSTR_RELAYS: ours! } });
  assert.deepEqual(await resolveLast(c, alice), signed);
  const bytes = await fetchBytes(c, file.pack, signed, join(folder, "into"));
  assert.deepEqual(bytes, await Deno.readFile(file.path));
});
