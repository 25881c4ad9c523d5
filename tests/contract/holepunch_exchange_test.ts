/** Readers of one pack that fetch from each other, in a HyperDHT of their own on loopback. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { ByteReader } from "../../lib/common/byte_reader.ts";
import { deadline } from "../../lib/common/wait.ts";
import { PackHasher, pieceLength } from "../../lib/manifest/pack_torrent.ts";
import type { SignedManifest } from "../../lib/manifest/types.ts";
import { Exchange } from "../../lib/transports/holepunch/exchange/exchange.ts";
import { bitsOf, pieceCount } from "../../lib/transports/holepunch/exchange/piece_set.ts";
import {
  decodeRequest,
  encodeLine,
  MAX_LINE,
  type Request,
} from "../../lib/transports/holepunch/messages.ts";
import type { HyperNode } from "../../lib/transports/holepunch/node.ts";
import { noiseStreams } from "../../lib/transports/holepunch/noise_streams.ts";
import { Offers } from "../../lib/transports/holepunch/offers.ts";
import { PeerServer } from "../../lib/transports/holepunch/server.ts";
import { topicOf } from "../../lib/transports/holepunch/topic.ts";
import type { OpenHolepunch } from "../../lib/transports/holepunch/network.ts";
import { Watchers } from "../../lib/transports/holepunch/watchers.ts";
import type { PackFile } from "../../lib/manifest/pack_file.ts";
import type { NoiseStream } from "../../lib/types/hyperdht.d.ts";
import { until } from "../e2e/until.ts";
import { HolepunchNetwork, plainNode } from "./holepunch_nodes.ts";
import { makeManifest, makePack, publish, testKey } from "./publications.ts";

const alice = testKey(1);
const DEADLINE_MS = 180_000;
/** Long enough to look for peers several times. */
const PATIENT = { env: { GTR_NETWORK_TIMEOUT: "60" } };
const LIVE = { streams: 1, perPeer: 1, uploadRate: 0, seconds: 1, idleSeconds: 1 };

function test(name: string, run: (network: HolepunchNetwork, folder: string) => Promise<void>) {
  Deno.test(`holepunch exchange: ${name}`, async () => {
    const folder = await Deno.makeTempDir();
    try {
      await using network = await HolepunchNetwork.make();
      await run(network, folder);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

/** A node that is found under the repository's topic. */
async function peer(
  network: HolepunchNetwork,
  accept: (stream: NoiseStream) => void,
): Promise<HyperNode> {
  const node = await plainNode(network);
  const server = await node.listen(() => true, accept);
  await node.dht.announce(topicOf(alice.id, "hello"), node.keys, server.relayAddresses).finished();
  return node;
}

/** Answers the requests of one connection. */
async function serve(
  stream: NoiseStream,
  answer: (request: Request, write: (bytes: Uint8Array) => Promise<void>) => Promise<void>,
): Promise<void> {
  const { readable, writable } = noiseStreams(stream);
  const reader = new ByteReader(readable);
  const writer = writable.getWriter();
  writer.closed.catch(() => {});
  for (;;) {
    const request = decodeRequest(await reader.line(MAX_LINE));
    await answer(request, (bytes) => writer.write(bytes));
  }
}

async function hashesOf({ pack, path }: PackFile): Promise<Uint8Array> {
  const hasher = new PackHasher(pack.size);
  hasher.update(await Deno.readFile(path));
  return hasher.digest().pieces;
}

/** Each reader fetches it into a file of its own; all of them have to have it in the end. */
async function fetchAll(
  readers: readonly OpenHolepunch[],
  file: PackFile,
  signed: SignedManifest,
  folder: string,
): Promise<void> {
  using limit = deadline(DEADLINE_MS, "packs");
  const bytes = await Deno.readFile(file.path);
  await Promise.all(readers.map(async (reader, n) => {
    const into = join(folder, `reader-${n}`);
    await reader.packs.fetch(file.pack, signed, into, limit);
    assert.deepEqual(await Deno.readFile(into), bytes);
  }));
}

test("two readers of whom each gets another half have all in the end", async (network, folder) => {
  const file = await makePack(folder, 3_000_000);
  const { size } = file.pack;
  const bytes = await Deno.readFile(file.path);
  const hashes = await hashesOf(file);
  const length = pieceLength(size);
  const count = pieceCount(size);
  /** Key of a reader -> which half it gets. */
  const halves = new Map<string | undefined, number>();
  await using publisher = await peer(network, (stream) => {
    let half = -1;
    serve(stream, async (request, write) => {
      if (request.want === "pieces") {
        await write(encodeLine({ version: 1, bytes: hashes.length }));
        await write(hashes);
      } else if (request.want === "have") {
        half = halves.get(request.key) ?? halves.size;
        halves.set(request.key, half);
        const has = bitsOf((piece) => piece < count && piece % 2 === half, 0, count);
        await write(encodeLine({ version: 1, bytes: has.length }));
        await write(has);
      } else if (request.want === "pack") {
        const piece = request.first;
        assert.equal(piece % 2, half, "it is asked for what it has");
        const content = bytes.subarray(piece * length, (piece + 1) * length);
        await write(encodeLine({ version: 1, bytes: content.length, piece }));
        await write(content);
      }
    }).catch(() => stream.destroy());
  });
  const signed = makeManifest(alice, { scheme: "holepunch", endpoints: () => [publisher.key] }, {
    packs: [file.pack],
  });
  const readers = [
    await network.join(testKey(2), PATIENT),
    await network.join(testKey(3), PATIENT),
  ];
  await fetchAll(readers, file, signed, folder);
  assert.deepEqual([...halves.values()], [0, 1]);
  assert.ok(!halves.has(undefined), "each says where others can fetch from it");
});

test("a publisher sends little more than one copy to four readers", async (network, folder) => {
  const file = await makePack(folder, 6_000_000);
  const offers = new Offers();
  const exchange = new Exchange(offers);
  let sent = 0;
  const find = exchange.find.bind(exchange);
  exchange.find = (sha256) => {
    const source = find(sha256);
    return source && {
      ...source,
      open: async () => {
        const opened = await source.open();
        const read = (async (buffer: Uint8Array, offset: number, length: number, at: number) => {
          const got = await opened.read(buffer, offset, length, at);
          sent += got.bytesRead;
          return got;
        }) as typeof opened.read;
        return { read, [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose]() };
      },
    };
  };
  const server = new PeerServer({
    limits: { connections: 20, uploadRate: 1_500_000, patienceMs: DEADLINE_MS, live: LIVE },
    offers,
    exchange,
    watchers: new Watchers(1),
    live: () => Promise.resolve(undefined),
    dropped: (reason) => network.dropped.add(reason),
    log: () => {},
  });
  await using publisher = await peer(network, (stream) => server.accept(stream));
  const signed = makeManifest(alice, { scheme: "holepunch", endpoints: () => [publisher.key] }, {
    packs: [file.pack],
  });
  offers.announce(signed);
  offers.seed(file);
  const readers: OpenHolepunch[] = [];
  for (const n of [2, 3, 4, 5]) readers.push(await network.join(testKey(n), PATIENT));
  await fetchAll(readers, file, signed, folder);
  server.close();
  assert.ok(sent < 2 * file.pack.size, `it sent ${sent} of ${file.pack.size} bytes`);
});

test("who has just fetched packs serves them before they are put away", async (network, folder) => {
  const a = await network.join(alice);
  const files = [await makePack(folder, 2_000_000), await makePack(folder, 1_500_000)];
  const signed = makeManifest(alice, a, { packs: files.map(({ pack }) => pack) });
  await publish(a, signed, files);
  const [b, c] = [
    await network.join(testKey(2), PATIENT),
    await network.join(testKey(3), PATIENT),
  ];
  // The first one twice: the second fetch takes the place of the first.
  for (const file of [...files, files[0]!]) {
    await fetchAll([b], file, signed, await Deno.makeTempDir({ dir: folder }));
  }
  await a[Symbol.asyncDispose]();
  const later = await Deno.makeTempDir({ dir: folder });
  for (const file of files) await fetchAll([c], file, signed, later);
});

test("peers that tell without end, or of nobody, are passed over", async (network, folder) => {
  const file = await makePack(folder, 3_000_000);
  const { size } = file.pack;
  const content = await Deno.readFile(file.path);
  const hashes = await hashesOf(file);
  const [length, count] = [pieceLength(size), pieceCount(size)];
  const flooded = () => network.dropped.toJSON()["news-flood"] ?? 0;
  await using publisher = await peer(network, (stream) => {
    serve(stream, async (request, write) => {
      const first = request.want === "pack" ? request.first : 0;
      const answer = request.want === "pieces"
        ? hashes
        : request.want === "have"
        ? bitsOf((piece) => piece < count, 0, count)
        : content.subarray(first * length, (first + 1) * length);
      // The pack is not whole before the others have said too much.
      if (request.want === "pack") {
        await until("both were heard", () => Promise.resolve(flooded() === 2));
      }
      const piece = request.want === "pack" ? { piece: first } : {};
      await write(encodeLine({ version: 1, bytes: answer.length, ...piece }));
      await write(answer);
    }).catch(() => stream.destroy());
  });
  const signed = makeManifest(alice, { scheme: "holepunch", endpoints: () => [publisher.key] }, {
    packs: [file.pack],
  });
  const none = new Uint8Array(Math.ceil(count / 8));
  const talks = (line: () => Uint8Array) =>
    peer(network, (stream) => {
      serve(stream, async (request, write) => {
        const answer = request.want === "pieces" ? hashes : none;
        await write(encodeLine({ version: 1, bytes: answer.length }));
        await write(answer);
        for (let n = 0; request.want === "have" && n < 500; n++) await write(line());
      }).catch(() => stream.destroy());
    });
  const key = () => crypto.getRandomValues(new Uint8Array(32)).toHex();
  await using _same = await talks(() => encodeLine({ version: 1, have: [1e9] }));
  await using _peers = await talks(() => encodeLine({ version: 1, peers: [key(), key()] }));
  await fetchAll([await network.join(testKey(2), PATIENT)], file, signed, folder);
  assert.equal(flooded(), 2);
});
