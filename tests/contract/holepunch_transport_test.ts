/** Holepunch beyond the contract: bad peers, limits, several sources, and not being in use. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { ByteReader } from "../../lib/common/byte_reader.ts";
import { GtrError } from "../../lib/common/errors.ts";
import { abortable, deadline, sleep } from "../../lib/common/wait.ts";
import { encodeEnvelope } from "../../lib/manifest/envelope.ts";
import { pieceLength } from "../../lib/manifest/pack_torrent.ts";
import type { PackRef } from "../../lib/manifest/types.ts";
import { Conversation } from "../../lib/transports/holepunch/conversation.ts";
import { bitsOf, pieceCount } from "../../lib/transports/holepunch/exchange/piece_set.ts";
import {
  decodeRequest,
  encodeLine,
  MAX_LINE,
  type Request,
} from "../../lib/transports/holepunch/messages.ts";
import type { HyperNode } from "../../lib/transports/holepunch/node.ts";
import { noiseStreams } from "../../lib/transports/holepunch/noise_streams.ts";
import { topicOf } from "../../lib/transports/holepunch/topic.ts";
import type { NoiseStream } from "../../lib/types/hyperdht.d.ts";
import { until } from "../e2e/until.ts";
import { HolepunchNetwork, plainNode } from "./holepunch_nodes.ts";
import {
  fetchBytes,
  makeManifest,
  makePack,
  publish,
  resolveLast,
  testKey,
} from "./publications.ts";
import { openManifest } from "../fixtures/open_manifest.ts";

const [alice, bob, carol] = [testKey(1), testKey(2), testKey(3)];
const DEADLINE_MS = 60_000;

function test(name: string, run: (network: HolepunchNetwork, folder: string) => Promise<void>) {
  Deno.test(`holepunch: ${name}`, async () => {
    const folder = await Deno.makeTempDir();
    try {
      await using network = await HolepunchNetwork.make();
      await run(network, folder);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

/** Announces a node under a repository's topic; it answers each request with these bytes. */
async function liar(
  network: HolepunchNetwork,
  name: string,
  answer: (request: Request) => Promise<Uint8Array | undefined> | AsyncIterable<Uint8Array>,
  streams: NoiseStream[] = [],
): Promise<HyperNode> {
  const node = await plainNode(network);
  const serve = async (stream: NoiseStream) => {
    streams.push(stream);
    const { readable, writable } = noiseStreams(stream);
    const reader = new ByteReader(readable);
    const writer = writable.getWriter();
    writer.closed.catch(() => {});
    for (;;) {
      const content = await answer(decodeRequest(await reader.line(MAX_LINE)));
      if (content instanceof Uint8Array) await writer.write(content);
      else if (content) { for await (const part of content) await writer.write(part); }
    }
  };
  const server = await node.listen(() => true, (stream) => void serve(stream).catch(() => {}));
  await node.dht.announce(topicOf(alice.id, name), node.keys, server.relayAddresses).finished();
  return node;
}

const counted = (bytes: Uint8Array, piece?: number) =>
  new Uint8Array([
    ...encodeLine({ version: 1, bytes: bytes.length, ...(piece === undefined ? {} : { piece }) }),
    ...bytes,
  ]);

/** The bitfield of who has all of a pack. */
const everything = ({ size }: PackRef) =>
  bitsOf((piece) => piece < pieceCount(size), 0, pieceCount(size));

test("what is no request ends the connection, and is counted", async (network) => {
  const a = await network.join(alice);
  const signed = makeManifest(alice, a);
  await publish(a, signed, []);
  await using stranger = await plainNode(network);
  using limit = deadline(DEADLINE_MS, "connections to end");
  const [key] = a.endpoints();
  for (
    const bytes of [
      new TextEncoder().encode("GET / HTTP/1.1\n\n"),
      new Uint8Array(100_000),
      new TextEncoder().encode('{"version":1,"want":"pack"}\n'),
      randomBytes(MAX_LINE + 2).map((byte) => byte === 10 ? 11 : byte),
    ]
  ) {
    const stream = await stranger.connect({ key: key! }, limit.signal);
    const { readable, writable } = noiseStreams(stream);
    const writer = writable.getWriter();
    writer.closed.catch(() => {});
    await writer.write(bytes).catch(() => {});
    const end = readable.getReader().read().then(({ done }) => done, () => true);
    assert.equal(await abortable(end, limit.signal), true);
  }
  assert.ok((network.dropped.toJSON()["bad-message"] ?? 0) >= 4);
  const b = await network.join(bob);
  assert.deepEqual(await resolveLast(b, alice), signed);
});

test("who is asked again soon is asked on the same connection, if it still is there", async (network) => {
  const a = await network.join(alice);
  const signed = makeManifest(alice, a);
  const streams: NoiseStream[] = [];
  const envelope = counted(encodeEnvelope(signed));
  await using _peer = await liar(network, "hello", () => Promise.resolve(envelope), streams);
  const b = await network.join(bob);
  for (let i = 0; i < 3; i++) assert.deepEqual(await resolveLast(b, alice), signed);
  assert.equal(streams.length, 1);
  using limit = deadline(DEADLINE_MS, "a connection to end");
  const ended = new Promise<void>((resolve) => streams[0]!.on("close", resolve));
  streams[0]!.destroy();
  await abortable(ended, limit.signal);
  assert.deepEqual(await resolveLast(b, alice), signed);
  assert.equal(streams.length, 2);
  const last = new Promise<void>((resolve) => streams[1]!.on("close", resolve));
  await b[Symbol.asyncDispose]();
  await abortable(last, limit.signal);
});

test("peers that lie or say nothing are passed over", async (network, folder) => {
  const a = await network.join(alice);
  const file = await makePack(folder, 3_000_000);
  const signed = makeManifest(alice, a, { packs: [file.pack] });
  await publish(a, signed, [file]);
  const wrong = randomBytes(3_000_000);
  const pieces = await piecesOf(a.endpoints()[0]!, file.pack, network);
  const piece = pieceLength(file.pack.size);
  /** Says that it has all, and sends these bytes for the first piece that it is asked for. */
  const sends = (bytes: Uint8Array) =>
    liar(network, "hello", (request) =>
      Promise.resolve(
        request.want === "pieces"
          ? counted(pieces)
          : request.want === "have"
          ? counted(everything(file.pack))
          : request.want === "pack"
          ? counted(bytes, request.first)
          : undefined,
      ));
  await using _lies = await sends(wrong.subarray(0, piece));
  await using _short = await sends(wrong.subarray(1, piece));
  await using _lacks = await liar(network, "hello", (request) =>
    Promise.resolve(
      request.want === "pieces"
        ? counted(pieces)
        : request.want === "have"
        ? counted(everything(file.pack))
        : encodeLine({ version: 1, refused: "unknown" }),
    ));
  await using _hashes = await liar(
    network,
    "hello",
    () => Promise.resolve(counted(randomBytes(200))),
  );
  await using _silent = await liar(network, "hello", () => Promise.resolve(undefined));
  await using _huge = await liar(
    network,
    "hello",
    () => Promise.resolve(encodeLine({ version: 1, bytes: Number.MAX_SAFE_INTEGER })),
  );
  const b = await network.join(bob);
  assert.deepEqual(await resolveLast(b, alice), signed);
  const bytes = await fetchBytes(b, file.pack, signed, join(folder, "into"));
  assert.deepEqual(bytes, await Deno.readFile(file.path));
  // Without the honest one there is nothing, and the liars are counted.
  await a[Symbol.asyncDispose]();
  const hasty = await network.join(bob, { env: { GTR_NETWORK_TIMEOUT: "5" } });
  await assert.rejects(
    fetchBytes(hasty, file.pack, signed, join(folder, "none")),
    (error) => error instanceof GtrError && error.code === "nobody-answered",
  );
  const dropped = network.dropped.toJSON();
  assert.ok(dropped["wrong-piece"]! > 0, "wrong pieces are counted");
  assert.ok(dropped["wrong-range"]! > 0, "answers that are too short are counted");
  assert.ok(dropped["missing-piece"]! > 0, "who lacks what it says that it has is counted");
  assert.ok(dropped["wrong-metadata"]! + dropped["bad-message"]! > 0, "wrong hashes are counted");
});

test("a live peer can't show an older publication", async (network) => {
  const a = await network.join(alice);
  const [older, newer] = [1, 2].map((sequence) => makeManifest(alice, a, { sequence }));
  await a[Symbol.asyncDispose]();
  await using _old = await liar(
    network,
    "hello",
    () => Promise.resolve(counted(encodeEnvelope(older!))),
  );
  const b = await network.join(bob);
  using limit = deadline(DEADLINE_MS, "a live stream");
  await assert.rejects(b.streams.dial(newer!, limit), { code: "no-live-peer" });
  assert.equal(network.dropped.toJSON()["old-manifest"], 1);
});

test("of a manifest's endpoints eight are tried, and no more", async (network) => {
  await using stack = new AsyncDisposableStack();
  const keys: string[] = [];
  const tried = new Set<number>();
  for (let i = 0; i < 12; i++) {
    const node = stack.use(
      await liar(network, `other ${i}`, () => {
        tried.add(i);
        return Promise.resolve(encodeLine({ version: 1, refused: "unknown" }));
      }),
    );
    keys.push(node.key);
  }
  const signed = makeManifest(alice, { scheme: "holepunch", endpoints: () => keys });
  const b = await network.join(bob);
  using limit = deadline(DEADLINE_MS, "a live stream");
  await assert.rejects(b.streams.dial(signed, limit), { code: "no-live-peer" });
  assert.deepEqual([...tried].toSorted((x, y) => x - y), [0, 1, 2, 3, 4, 5, 6, 7]);
});

test("a peer that drips doesn't hold a pack up", async (network, folder) => {
  const a = await network.join(alice, { env: { GTR_HOLEPUNCH_UPLOADRATE: "2000000" } });
  const file = await makePack(folder, 5_000_000);
  const bytes = await Deno.readFile(file.path);
  const signed = makeManifest(alice, a, { packs: [file.pack] });
  await publish(a, signed, [file]);
  const pieces = await piecesOf(a.endpoints()[0]!, file.pack, network);
  let asked = 0;
  using limit = deadline(DEADLINE_MS, "a pack");
  await using _slow = await liar(network, "hello", async function* (request) {
    if (request.want === "pieces") yield counted(pieces);
    if (request.want === "have") yield counted(everything(file.pack));
    if (request.want !== "pack") return;
    asked++;
    const piece = pieceLength(bytes.length);
    const from = request.first * piece;
    const end = Math.min(bytes.length, from + piece);
    yield encodeLine({ version: 1, bytes: end - from, piece: request.first });
    for (let at = from; at < end; at += 4_000) {
      yield bytes.subarray(at, Math.min(end, at + 4_000));
      await sleep(800, limit.signal); // never so long that it would be given up
    }
  });
  const b = await network.join(bob);
  const into = join(folder, "into");
  await b.packs.fetch(file.pack, signed, into, limit);
  assert.deepEqual(await Deno.readFile(into), bytes);
  assert.ok(asked > 0, "it had its chance");
});

test("a pack comes from all who have it, and goes on where one dies", async (network, folder) => {
  const [a, b, c] = [
    await network.join(alice, { env: { GTR_HOLEPUNCH_UPLOADRATE: "2000000" } }),
    await network.join(bob, { env: { GTR_HOLEPUNCH_UPLOADRATE: "2000000" } }),
    await network.join(carol),
  ];
  const file = await makePack(folder, 8_000_000);
  const signed = makeManifest(alice, a, { packs: [file.pack] });
  await publish(a, signed, [file]);
  await publish(b, signed, [file]);
  using limit = deadline(60_000, "a pack");
  let dying: Promise<void> | undefined;
  const into = join(folder, "into");
  await c.packs.fetch(file.pack, signed, into, {
    signal: limit.signal,
    progress: (done) => {
      if (done > 3_000_000) dying ??= Promise.resolve(a[Symbol.asyncDispose]());
    },
  });
  await dying;
  assert.ok(dying);
  assert.deepEqual(await Deno.readFile(into), await Deno.readFile(file.path));
});

test("who follows finds the publisher again", async (network) => {
  const [a, b] = [await network.join(alice), await network.join(bob)];
  const [first, second] = [1, 2].map((sequence) => makeManifest(alice, a, { sequence }));
  await publish(a, first!, []);
  const heard: number[] = [];
  let wake = () => {};
  using _watch = b.notices.watch(first!.manifest, (sequence) => {
    heard.push(sequence);
    wake();
  });
  using limit = deadline(60_000, "notices");
  const until = async (sequence: number) => {
    while (!heard.includes(sequence)) {
      await abortable(new Promise<void>((resolve) => wake = resolve), limit.signal);
    }
  };
  await until(1);
  await a[Symbol.asyncDispose]();
  const again = await network.join(alice);
  await publish(again, second!, []);
  await until(2);
});

test("connections beyond the limit are refused, and counted", async (network) => {
  const a = await network.join(alice, { env: { GTR_HOLEPUNCH_MAXCONNECTIONS: "2" } });
  await publish(a, makeManifest(alice, a), []);
  await using stranger = await plainNode(network);
  using limit = deadline(DEADLINE_MS, "connections");
  const key = a.endpoints()[0]!;
  const ask = async () => {
    const conversation = await Conversation.open(stranger, { key }, { openManifest }, limit.signal);
    await conversation.manifest({ id: alice.id, name: "hello" }, limit.signal);
    return conversation;
  };
  using _first = await ask();
  using _second = await ask();
  const stop = new AbortController();
  const third = stranger.connect({ key }, AbortSignal.any([limit.signal, stop.signal]));
  const refused = assert.rejects(third);
  await until("it is refused", () => Promise.resolve(dropped(network, "connection-limit") > 0));
  stop.abort();
  await refused;
});

test("connections that ask for nothing make room for others", async (network) => {
  const a = await network.join(alice, { env: { GTR_HOLEPUNCH_MAXCONNECTIONS: "2" } });
  const signed = makeManifest(alice, a);
  await publish(a, signed, []);
  await using stranger = await plainNode(network);
  using limit = deadline(DEADLINE_MS, "connections");
  const key = a.endpoints()[0]!;
  using asking = await Conversation.open(stranger, { key }, { openManifest }, limit.signal);
  const wanted = { id: alice.id, name: "hello" };
  await asking.manifest(wanted, limit.signal);
  for (let made = 0; made < 5; made++) {
    await stranger.connect({ key }, limit.signal);
    // The server may notice it later than the client: each has to make room for the next one.
    const isThere = async () => {
      const { details } = await a.health.probe(limit);
      return details.connections === 2 && dropped(network, "silent-peer") === made;
    };
    await until(`connection ${made + 1} is there`, isThere);
  }
  using other = await Conversation.open(stranger, { key }, { openManifest }, limit.signal);
  assert.deepEqual(await other.manifest(wanted, limit.signal), signed);
  assert.deepEqual(await asking.manifest(wanted, limit.signal), signed); // it may stay
  assert.equal(dropped(network, "silent-peer"), 5);
});

/** How often that was dropped. */
const dropped = (network: HolepunchNetwork, reason: string) =>
  network.dropped.toJSON()[reason] ?? 0;

test("who has the packs is asked and counted", async (network, folder) => {
  const [a, b, c] = [
    await network.join(alice),
    await network.join(bob),
    await network.join(carol),
  ];
  const file = await makePack(folder, 50_000);
  const signed = makeManifest(alice, a, { packs: [file.pack], sequence: 3 });
  await publish(a, signed, [file]);
  await b.records.publish(signed, [], { signal: AbortSignal.timeout(DEADLINE_MS) });
  using limit = deadline(DEADLINE_MS, "holders");
  const holders = await c.packs.holders(signed.manifest, { signal: limit.signal, search: true });
  const peers = holders.map(({ sequence, complete }) => ({ sequence, complete }));
  assert.equal(holders.length, 2);
  assert.deepEqual(peers.toSorted((x, y) => Number(x.complete) - Number(y.complete)), [
    { sequence: 3, complete: false },
    { sequence: 3, complete: true },
  ]);
});

/** The pieces' hashes as an honest peer has them. */
async function piecesOf(
  key: string,
  { sha256 }: PackRef,
  network: HolepunchNetwork,
): Promise<Uint8Array> {
  await using node = await plainNode(network);
  using limit = deadline(DEADLINE_MS, "hashes");
  const stream = await node.connect({ key }, limit.signal);
  const { readable, writable } = noiseStreams(stream);
  await writable.getWriter().write(encodeLine({ version: 1, want: "pieces", sha256 }));
  const reader = new ByteReader(readable);
  const { bytes } = JSON.parse(new TextDecoder().decode(await reader.line(MAX_LINE)));
  const pieces = await reader.bytes(bytes);
  stream.destroy();
  return pieces;
}
