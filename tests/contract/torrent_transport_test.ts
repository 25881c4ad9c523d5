/**
 * What only the BitTorrent transport promises, beside the contract.
 */
import assert from "node:assert/strict";
import { createConnection } from "node:net";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
// @ts-types="../../lib/types/bencode.d.ts"
import bencode from "bencode";
import { NetworkError } from "../../lib/common/errors.ts";
import { deadline } from "../../lib/common/wait.ts";
import { Dht } from "../../lib/transports/torrent/dht/dht.ts";
import { KnownNodes } from "../../lib/transports/torrent/dht/endpoints.ts";
import { signItem } from "../../lib/transports/torrent/dht/items.ts";
import { encodeInlineRecord } from "../../lib/transports/torrent/record.ts";
import { TorrentNetwork } from "./torrent_nodes.ts";
import { HASTY } from "./network_contract.ts";
import {
  fetchBytes,
  makeManifest,
  makePack,
  publish,
  resolveAll,
  resolveLast,
  testKey,
} from "./publications.ts";
import { until } from "../e2e/until.ts";
import { loopClock } from "../unit/common/loop_clock.ts";

const [alice, bob, carol] = [testKey(1), testKey(2), testKey(3)];

function test(
  name: string,
  run: (network: TorrentNetwork, folder: string) => Promise<void>,
): void {
  Deno.test(`torrent: ${name}`, async () => {
    const folder = await Deno.makeTempDir();
    try {
      await using network = new TorrentNetwork();
      await run(network, folder);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

async function details(node: Awaited<ReturnType<TorrentNetwork["join"]>>) {
  using limit = deadline(60_000, "health");
  return await node.health.probe(limit);
}

test("UDP and TCP have the same port, which endpoints and probe tell", async (network) => {
  const a = await network.join(alice);
  const health = await details(a);
  assert.deepEqual(Object.keys(health.details), ["dht", "nodes", "listen"]);
  assert.equal(health.details.dht, health.details.listen);
  assert.match(String(health.details.dht), /^127\.0\.0\.1:\d+$/);
  assert.deepEqual(a.endpoints(), [health.details.listen]);
  assert.equal(health.reachable, true);
  const socket = createConnection(Number(String(health.details.listen).split(":")[1]), "127.0.0.1");
  await once(socket, "connect");
  const closed = once(socket, "close");
  socket.destroy();
  await closed;
});

test("a peer whose live stream failed is dialled after others, but it is dialled", async (network) => {
  const [a, b, c] = [await network.join(alice), await network.join(bob), await network.join(carol)];
  const signed = makeManifest(alice, a);
  for (const node of [a, b]) {
    node.serve(() =>
      Promise.resolve({
        manifest: signed,
        open: () => Promise.resolve(new TransformStream<Uint8Array, Uint8Array>()),
      })
    );
    await publish(node, signed, []);
  }
  using limit = deadline(60_000, "live streams");
  const dial = () => c.streams.dial(signed, limit);
  const first = await dial();
  first.close(true);
  for (let i = 0; i < 3; i++) {
    const next = await dial();
    assert.notEqual(next.peer, first.peer);
    next.close();
  }
  await (first.peer.startsWith(a.endpoints()[0]!) ? b : a)[Symbol.asyncDispose]();
  const last = await dial();
  assert.equal(last.peer, first.peer);
  last.close();
});

test("a chosen port that is taken is an error with a hint", async (network) => {
  const a = await network.join(alice);
  const port = a.endpoints()[0]!.split(":")[1]!;
  await assert.rejects(
    network.join(bob, { env: { GTR_TORRENT_PORT: port } }),
    (error) => error instanceof NetworkError && error.code === "port-in-use" && !!error.hint,
  );
});

test("a node keeps its port over a restart", async (network, folder) => {
  const cache = join(folder, "cache");
  const a = await network.join(alice, { cache });
  const before = a.endpoints();
  await a[Symbol.asyncDispose]();
  const again = await network.join(alice, { cache });
  assert.deepEqual(again.endpoints(), before);
});

test(
  "without any node of the DHT, resolving fails and announcing waits for one",
  async (network, folder) => {
    const a = await network.join(alice);
    const bootstrap = a.endpoints()[0]!;
    await a[Symbol.asyncDispose]();
    const b = await network.join(bob, { env: { GTR_TORRENT_BOOTSTRAP: bootstrap } });
    assert.equal((await details(b)).reachable, false);
    await assert.rejects(
      resolveAll(b, { id: alice.id, name: "hello" }),
      (error) =>
        error instanceof NetworkError && error.code === "unreachable" &&
        error.hint!.includes("torrent.bootstrap"),
    );
    const signed = makeManifest(bob, b);
    await publish(b, signed, []);
    // The first thing b hears of the network is this node, which joins through it.
    const env = { GTR_TORRENT_BOOTSTRAP: b.endpoints()[0]! };
    const c = await network.join(carol, { env, cache: join(folder, "c") });
    assert.deepEqual(await resolveLast(c, bob), signed);
  },
);

test(
  "records with a right signature and wrong content are dropped and counted",
  async (network, folder) => {
    const a = await network.join(alice);
    const c = await network.join(carol);
    const good = makeManifest(alice, a, { sequence: 3 });
    const bootstrap = a.endpoints() as string[];
    await using dht = await Dht.open({
      host: "127.0.0.1",
      port: 0,
      bootstrap,
      known: new KnownNodes(folder, bootstrap),
      dropped: () => {},
    });
    using limit = deadline(60_000, "items");
    const values: [Uint8Array, string][] = [
      [encodeInlineRecord(good)!, "wrong-sequence"],
      [encodeInlineRecord(makeManifest(alice, a, { name: "other" }))!, "wrong-name"],
      [encodeInlineRecord(makeManifest(bob, a))!, "wrong-key"],
      [encodeInlineRecord({ ...good, signature: new Uint8Array(64) })!, "bad-signature"],
      [
        encodeInlineRecord({ bytes: new TextEncoder().encode("{}"), signature: good.signature })!,
        "bad-manifest",
      ],
      [bencode.encode({ v: 1 }), "bad-record"],
      [bencode.encode(["not", "a", "record"]), "bad-record"],
    ];
    for (const [i, [value, reason]] of values.entries()) {
      const salt = new TextEncoder().encode("hello");
      await dht.putMutable(signItem(alice, { salt, seq: 10 + i, value }), limit);
      assert.deepEqual(
        await resolveAll(c, { id: alice.id, publicKey: alice.publicKeyHex, name: "hello" }),
        [],
      );
      assert.ok((network.dropped.toJSON()[reason] ?? 0) > 0, reason);
    }
  },
);

test(
  "a follower republishes after a restart, from what it keeps on disk",
  async (network, folder) => {
    const first = await network.join(carol);
    const a = await network.join(alice);
    const cache = join(folder, "cache");
    const b = await network.join(bob, { cache });
    const file = await makePack(folder, 100_000);
    const signed = makeManifest(alice, a, { packs: [file.pack], refs: 300 });
    await publish(a, signed, [file]);
    const found = await resolveLast(b, alice);
    await publish(b, found!, [file]);
    assert.equal((await readdir(join(cache, "items"))).length >= 1, true);
    await b[Symbol.asyncDispose]();
    await a[Symbol.asyncDispose]();
    await first[Symbol.asyncDispose]();

    // Nobody is left. The follower returns, as the first node of a network that knows nothing.
    const again = await network.join(bob, { cache, env: { GTR_TORRENT_BOOTSTRAP: "none" } });
    await publish(again, found!, [file]);
    const env = { GTR_TORRENT_BOOTSTRAP: again.endpoints()[0]! };
    const reader = await network.join(carol, { env });
    const resolved = await resolveLast(reader, alice);
    assert.deepEqual(resolved, signed);
    const bytes = await fetchBytes(reader, file.pack, resolved!, join(folder, "into"));
    assert.deepEqual(bytes, await Deno.readFile(file.path));
  },
);

test("manifests of long ago are removed from the disk", async (network, folder) => {
  const cache = join(folder, "cache");
  const manifests = join(cache, "manifests");
  await Deno.mkdir(manifests, { recursive: true });
  for (const [name, age] of [["old", 48], ["new", 1]] as const) {
    await Deno.writeTextFile(join(manifests, name), "");
    const time = new Date(Date.now() - age * 3_600_000);
    await Deno.utime(join(manifests, name), time, time);
  }
  await network.join(alice, { cache });
  assert.deepEqual(await readdir(manifests), ["new"]);
});

test(
  "a node that is closed writes no more, not for callers that gave up either",
  async (network, folder) => {
    const node = await network.join(alice, { cache: folder });
    const stop = new AbortController();
    const signed = makeManifest(alice, node, { refs: 300 });
    const announcing = node.records.publish(signed, [], { signal: stop.signal });
    stop.abort(new Error("enough"));
    await assert.rejects(announcing, { message: "enough" });
    await node[Symbol.asyncDispose]();
    const written = await readdir(folder, { recursive: true });
    const [manifests, items] = ["manifests", "items"].map((name) =>
      written.filter((path) => new RegExp(`^${name}/[0-9a-f]{40}$`).test(path)).length
    );
    assert.deepEqual([manifests, items], [1, 2], written.join());
    assert.equal(written.length, 6, written.join()); // the two folders, and nodes.json
  },
);

test("large packs stay out of the DHT, and small ones if so set", async (network, folder) => {
  const c = await network.join(carol);
  const b = await network.join(bob, HASTY);
  for (const [size, most] of [[70_000, "65536"], [5000, "0"]] as const) {
    const a = await network.join(alice, { env: { GTR_TORRENT_DHTPACKS: most } });
    const file = await makePack(folder, size);
    const signed = makeManifest(alice, a, { packs: [file.pack], sequence: size });
    await publish(a, signed, [file]);
    await a[Symbol.asyncDispose]();
    const found = (await resolveLast(c, alice))!;
    await assert.rejects(
      fetchBytes(b, file.pack, found, join(folder, "into")),
      (error) => error instanceof NetworkError && error.code === "nobody-answered",
    );
  }
});

test("sixty-four KiB of packs are read from the DHT alone", async (network, folder) => {
  for (let i = 0; i < 10; i++) await network.join(carol);
  const a = await network.join(alice);
  const files = [await makePack(folder, 50_000), await makePack(folder, 15_536)];
  const signed = makeManifest(alice, a, { packs: files.map(({ pack }) => pack) });
  using limit = deadline(60_000, "an announcement");
  await a.records.publish(signed, files, limit); // nobody seeds them
  const b = await network.join(bob);
  const found = (await resolveLast(b, alice))!;
  const hasty = await network.join(bob, { env: { GTR_NETWORK_TIMEOUT: "5" } });
  for (const { pack } of files) {
    const into = join(folder, `into-${pack.sha256}`);
    // It is put in the background, and stopping doesn't wait long for that.
    await until(
      "the DHT has it",
      () => fetchBytes(hasty, pack, found, into).then(() => true, () => false),
    );
  }
  await a[Symbol.asyncDispose]();
  for (const { pack, path } of files) {
    const into = join(folder, `again-${pack.sha256}`);
    assert.deepEqual(await fetchBytes(b, pack, found, into), await Deno.readFile(path));
  }
});

test("several readers at once, and peers are counted", async (network, folder) => {
  const a = await network.join(alice);
  const file = await makePack(folder, 3_000_000);
  const signed = makeManifest(alice, a, { packs: [file.pack] });
  await publish(a, signed, [file]);
  const readers = await Promise.all([1, 2, 3].map(() => network.join(bob)));
  let most = 0;
  await Promise.all(readers.map(async (reader, i) => {
    using limit = deadline(60_000, "a pack");
    const into = join(folder, `into-${i}`);
    await reader.packs.fetch(file.pack, signed, into, {
      signal: limit.signal,
      progress: () => most = Math.max(most, a.packs.peers(signed.manifest)),
    });
    assert.deepEqual(await Deno.readFile(into), await Deno.readFile(file.path));
  }));
  assert.ok(most >= 1);
});

test("resolving is quick, and what was announced is there at once", async (network) => {
  for (let i = 0; i < 8; i++) await network.join(carol);
  const [a, b] = [await network.join(alice), await network.join(bob)];
  for (let sequence = 1; sequence <= 5; sequence++) {
    using clock = loopClock();
    const signed = makeManifest(alice, a, { sequence });
    await publish(a, signed, []);
    assert.deepEqual(await resolveLast(b, alice), signed);
    assert.ok(clock.ms < 1000, `${clock.ms} ms`);
  }
});
