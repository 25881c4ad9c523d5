/** What is asked of peers, who may be many, slow or wrong. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";
import { NetworkError } from "../../../../lib/common/errors.ts";
import { encodeEnvelope } from "../../../../lib/manifest/envelope.ts";
import { signManifest } from "../../../../lib/manifest/manifest.ts";
import { infohashOf, packInfo } from "../../../../lib/manifest/pack_torrent.ts";
import type { PackRef, SignedManifest } from "../../../../lib/manifest/types.ts";
import { Asker } from "../../../../lib/transports/holepunch/asker.ts";
import { Exchange } from "../../../../lib/transports/holepunch/exchange/exchange.ts";
import { pieceCount } from "../../../../lib/transports/holepunch/exchange/piece_set.ts";
import type { Request } from "../../../../lib/transports/holepunch/messages.ts";
import type { HyperNode, PeerAddress } from "../../../../lib/transports/holepunch/node.ts";
import { Offers } from "../../../../lib/transports/holepunch/offers.ts";
import { Records } from "../../../../lib/transports/holepunch/records.ts";
import type { NetworkContext } from "../../../../lib/ports/network.ts";
import { key, manifest } from "../../manifest/fixture.ts";
import { type FakeStream, streamPair } from "./stream_pair.ts";
import { openManifest } from "../../../fixtures/open_manifest.ts";

const signal = AbortSignal.timeout(100_000);
const HELLO = { id: key.id, name: "hello", publicKey: key.publicKeyHex };
const OWN = "f".repeat(64);
const encode = (text: string) => new TextEncoder().encode(text);
const line = (value: object) => encode(`${JSON.stringify({ version: 1, ...value })}\n`);
const refused = line({ refused: "unknown" });

/** What a peer says to a request; undefined: nothing. */
type Says = (request: Request) => Uint8Array | undefined;

function packOf(size: number): PackRef {
  const sha256 = createHash("sha256").update(randomBytes(8)).digest("hex");
  return { sha256, size, infohash: "0".repeat(40), objects: 1, tips: ["1".repeat(40)] };
}

const told = (signed: SignedManifest) => {
  const envelope = encodeEnvelope(signed);
  return Uint8Array.from([...line({ bytes: envelope.length }), ...envelope]);
};

/** Peers by their keys; those that announce themselves are found by their topic. */
function world(peers: Record<string, Says>, announced: readonly PeerAddress[] = []) {
  const connected: string[] = [];
  const streams = new Map<string, FakeStream>();
  const node = {
    key: OWN,
    isolated: () => Promise.resolve(true),
    async *lookup() {
      yield* announced;
    },
    connect: ({ key }: PeerAddress) => {
      connected.push(key);
      const says = peers[key];
      if (!says) return Promise.reject(new NetworkError("no-live-peer", `${key} is away`));
      const [here, there] = streamPair();
      streams.set(key, here);
      there.noise.on("data", (chunk) => {
        for (const text of new TextDecoder().decode(chunk).split("\n").filter(Boolean)) {
          const answer = says(JSON.parse(text));
          if (answer) there.write(answer);
        }
      });
      return Promise.resolve(here.noise);
    },
  } as unknown as HyperNode;
  const dropped: string[] = [];
  const context = {
    settings: { get: () => 30 },
    openManifest,
    dropped: (reason: string) => dropped.push(reason),
  } as unknown as NetworkContext;
  let met = 0;
  const stop = new AbortController();
  const asker = new Asker({
    context,
    node,
    stop: stop.signal,
    records: Object.create(Records.prototype) as Records,
    exchange: new Exchange(new Offers()),
    meet: () => {
      met++;
      return () => {};
    },
  });
  return {
    asker,
    dropped,
    connected,
    streams,
    stop,
    get met() {
      return met;
    },
    resolve: (known: readonly string[] = []) =>
      Array.fromAsync(asker.resolve(HELLO, known, signal), ({ manifest }) => manifest.sequence),
    [Symbol.dispose]: () => stop.abort(),
  };
}

const [a, b, c] = ["a", "b", "c"].map((digit) => digit.repeat(64)) as [string, string, string];
const publication = (sequence: number, change: Parameters<typeof manifest>[0] = {}) =>
  signManifest(manifest({ name: "hello", sequence, ...change }), key);
const holds = (signed: SignedManifest): Says => ({ want }) =>
  want === "manifest" ? told(signed) : refused;

Deno.test("asker: of what peers tell, what is newer than before; the publisher's word is the last", async () => {
  using old = world({ [a]: holds(publication(5)), [b]: holds(publication(5)) });
  assert.deepEqual(await old.resolve([a, b]), [5]);
  using grown = world({ [a]: holds(publication(5)), [b]: holds(publication(9)) });
  assert.equal((await grown.resolve([a, b])).at(-1), 9);
  // Once the publisher's own node has answered, no reader is waited for.
  const endpoints = { holepunch: [a] };
  using own = world({
    [a]: holds(publication(7, { endpoints })),
    [b]: () => undefined,
  });
  assert.deepEqual(await own.resolve([a, b]), [7]);
  using reader = world({ [b]: holds(publication(7, { endpoints })), [c]: holds(publication(9)) });
  assert.deepEqual((await reader.resolve([b, c])).at(-1), 9, "a reader's isn't");
});

Deno.test("asker: a peer's lie is counted, and others are asked", async () => {
  const forged = told(publication(9));
  forged[forged.length - 3]! ^= 1;
  using w = world({ [a]: () => forged, [b]: () => refused, [c]: holds(publication(3)) });
  assert.deepEqual(await w.resolve([a, b, c]), [3]);
  assert.equal(w.dropped.length, 1, String(w.dropped));
});

Deno.test("asker: who announces itself is asked once, unless it is near, and never this node", async () => {
  using w = world({}, [{ key: a }, { key: OWN }, {
    key: b,
    near: { host: "192.0.2.7", port: 1 },
  }, {
    key: c,
  }]);
  assert.deepEqual(await w.resolve([a, b, OWN]), []);
  assert.deepEqual(w.connected.sort(), [a, b, b, c]);
});

Deno.test("asker: a holder is complete if it has every piece of every pack", async () => {
  const packs = [packOf(40 * 16_384), packOf(1)];
  const signed = publication(4, { packs });
  /** Has so many pieces of the first pack, and maybe the other. */
  const having = (bits: string, other = "80", sequence = 4): Says => (request) => {
    if (request.want === "manifest") return told(publication(sequence, { packs }));
    if (request.want !== "have") return refused;
    const bytes = Uint8Array.fromHex(request.sha256 === packs[0]!.sha256 ? bits : other);
    return bytes.length === 0
      ? refused
      : Uint8Array.from([...line({ bytes: bytes.length }), ...bytes]);
  };
  const count = pieceCount(packs[0]!.size);
  const all = (n: number) => {
    const bytes = new Uint8Array(Math.ceil(count / 8));
    for (let i = 0; i < n; i++) bytes[i >> 3]! |= 0x80 >> (i & 7);
    return bytes.toHex();
  };
  for (
    const [says, complete] of [
      [having(all(count)), true],
      [having(all(count), "80", 3), true], // an older publication of the same packs
      [having(all(count - 1)), false],
      [having(all(count), "00"), false],
      [having(""), false],
      [having(all(count), ""), false],
    ] as const
  ) {
    using w = world({ [a]: says, [b]: () => refused }, [{ key: a }, { key: b }]);
    const holders = await w.asker.holders(signed.manifest, signal);
    assert.deepEqual(holders.map(({ peer, complete }) => [peer, complete]), [[a, complete]]);
  }
  // What goes wrong is no answer.
  using broken = world({
    [a]: (request) => request.want === "manifest" ? told(signed) : line({ bytes: 10_000 }),
  }, [{ key: a }]);
  assert.deepEqual(await broken.asker.holders(signed.manifest, signal), []);
});

Deno.test("asker: of what is only announced, who knows the publication is a holder", async () => {
  const announced = { flow: "announce", packs: [] } as Parameters<typeof manifest>[0];
  const signed = publication(4, announced);
  for (const [sequence, complete] of [[3, false], [4, true], [5, true]] as const) {
    using w = world({ [a]: holds(publication(sequence, announced)) }, [{ key: a }]);
    assert.deepEqual(await w.asker.holders(signed.manifest, signal), [
      { peer: a, sequence, complete },
    ]);
  }
});

Deno.test("asker: the first peer that serves a stream is taken, the others hung up on", async () => {
  const signed = publication(4, { endpoints: { holepunch: [a, b, c] } });
  const live: Says = ({ want }) => want === "live" ? told(signed) : undefined;
  using w = world({ [a]: () => refused, [b]: live, [c]: live });
  const stream = await w.asker.dial(signed, { signal });
  const [taken, other] = stream.peer === `holepunch ${b.slice(0, 12)}` ? [b, c] : [c, b];
  assert.equal(stream.peer, `holepunch ${taken.slice(0, 12)}`);
  await new Promise((resolve) => setTimeout(resolve));
  assert.equal(w.streams.get(taken)!.destroying, false);
  for (const key of [a, other]) assert.equal(w.streams.get(key)?.destroying ?? true, true, key);
  stream.close();
  assert.equal(w.streams.get(taken)!.destroying, true);
  using none = world({ [a]: () => refused });
  await assert.rejects(
    none.asker.dial(publication(4, { endpoints: { holepunch: [a] } }), { signal }),
    {
      code: "no-live-peer",
      message: /refuses: unknown$/,
    },
  );
  const gone = AbortSignal.abort(new Error("enough"));
  await assert.rejects(none.asker.dial(signed, { signal: gone }), /^Error: enough$/);
});

Deno.test("asker: packs of 1 MiB and more are passed on while they come", async () => {
  const folder = await Deno.makeTempDir({ prefix: "gtr-test-" });
  try {
    for (const [size, met] of [[2 ** 20 - 1, 0], [2 ** 20, 1]] as const) {
      const hashes = new Uint8Array(20 * pieceCount(size));
      const known = packOf(size);
      const pack = { ...known, infohash: infohashOf(packInfo(known.sha256, size, hashes)) };
      const signed = publication(4, { packs: [pack], endpoints: { holepunch: [a] } });
      using w = world({
        [a]: ({ want }) =>
          want === "pieces"
            ? Uint8Array.from([...line({ bytes: hashes.length }), ...hashes])
            : refused,
      });
      await assert.rejects(w.asker.fetch(pack, signed, join(folder, String(size)), { signal }), {
        message: /refuses: unknown/,
      });
      assert.equal(w.met, met, String(size));
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("asker: news that a peer tells are passed on", async () => {
  const signed = publication(4, { endpoints: { holepunch: [a] } });
  using w = world({
    [a]: ({ want }) =>
      want === "notices"
        ? Uint8Array.from([...line({ sequence: 5 }), ...line({ sequence: 6 })])
        : refused,
  });
  const heard: number[] = [];
  const done = Promise.withResolvers<void>();
  w.asker.watch(signed.manifest, (sequence) => {
    heard.push(sequence);
    if (heard.length === 2) done.resolve();
  }, signal);
  await done.promise;
  assert.deepEqual(heard, [5, 6]);
  const closed = once(w.streams.get(a)!, "close");
  w.stop.abort();
  await closed;
});
