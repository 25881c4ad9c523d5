import assert from "node:assert/strict";
import { NetworkError, VerificationError } from "../../../../../lib/common/errors.ts";
import { assertWhole, Fixture, makeTorrent } from "./fixture.ts";
import { ScriptedPeer } from "./scripted_peer.ts";

const nobodyAnswered = (error: unknown) =>
  error instanceof NetworkError && error.code === "nobody-answered";

Deno.test("a file goes from a seed to a reader", async () => {
  await using fixture = await Fixture.make();
  const torrent = makeTorrent(1_000_000);
  const seed = await fixture.seeder(torrent);
  const reader = await fixture.swarm();
  const progress: [number, number][] = [];
  const path = await fixture.fetch(reader, torrent, [seed], {
    progress: (done, total) => progress.push([done, total]),
  });
  await assertWhole(path, torrent);
  assert.deepEqual(progress.at(-1), [1_000_000, 1_000_000]);
  assert.deepEqual(fixture.dropped, []);
  assert.deepEqual(fixture.log, []);
});

Deno.test("a file of one byte, and files that end on a block or piece", async () => {
  await using fixture = await Fixture.make();
  const reader = await fixture.swarm();
  for (const size of [1, 16384, 16385, 32768, 65536]) {
    const torrent = makeTorrent(size);
    const seed = await fixture.seeder(torrent);
    await assertWhole(await fixture.fetch(reader, torrent, [seed]), torrent);
  }
});

Deno.test("one swarm seeds many torrents and opens files only while someone reads", async () => {
  await using fixture = await Fixture.make();
  const torrents = Array.from({ length: 5 }, () => makeTorrent(100_000));
  const seed = await fixture.swarm();
  const asked: string[] = [];
  for (const torrent of torrents) {
    const path = fixture.path();
    await Deno.writeFile(path, torrent.bytes);
    const { infohash } = torrent;
    const info = () => {
      asked.push(infohash);
      return Promise.resolve(torrent.info);
    };
    seed.seed({ infohash, path, size: torrent.bytes.length, info });
  }
  assert.deepEqual(asked, []);
  const reader = await fixture.swarm();
  for (const torrent of torrents.slice(0, 2)) {
    await assertWhole(await fixture.fetch(reader, torrent, [seed]), torrent);
  }
  assert.deepEqual(asked, torrents.slice(0, 2).map((t) => t.infohash));
});

Deno.test("what is disposed is served no more", async () => {
  await using fixture = await Fixture.make();
  const torrent = makeTorrent(100_000);
  const path = fixture.path();
  await Deno.writeFile(path, torrent.bytes);
  const seed = await fixture.swarm();
  fixture.seed(seed, torrent, path)[Symbol.dispose]();
  const reader = await fixture.swarm();
  await assert.rejects(fixture.fetch(reader, torrent, [seed], { seconds: 1 }), nobodyAnswered);
  assert.ok(fixture.dropped.includes("unknown-infohash"));
});

Deno.test("a seed whose file or torrent was damaged serves nothing", async () => {
  await using fixture = await Fixture.make();
  const torrent = makeTorrent(100_000);
  const shorter = await fixture.seeder(torrent, { bytes: torrent.bytes.subarray(1) });
  const other = await fixture.swarm();
  const { infohash } = torrent;
  const info = () => Promise.resolve(makeTorrent(100_000).info);
  other.seed({ infohash, path: fixture.path(), size: 100_000, info });
  const reader = await fixture.swarm();
  const fetch = fixture.fetch(reader, torrent, [shorter, other], { seconds: 1 });
  await assert.rejects(fetch, nobodyAnswered);
  assert.ok(fixture.log.some((line) => line.includes("its size is not 100000")));
  assert.ok(fixture.log.some((line) => line.includes("its torrent is not")));
});

Deno.test("a file is put together from peers that have parts of it", async () => {
  await using fixture = await Fixture.make();
  const torrent = makeTorrent(2_000_000);
  const parts = await Promise.all(
    [0, 1, 2].map((n) => ScriptedPeer.listen(torrent, { has: (piece) => piece % 3 === n })),
  );
  parts.forEach((peer) => fixture.defer(() => peer[Symbol.asyncDispose]()));
  const reader = await fixture.swarm();
  await assertWhole(await fixture.fetch(reader, torrent, parts.map((p) => p.port)), torrent);
  parts.forEach((peer, n) => assert.ok([...peer.asked].every((piece) => piece % 3 === n)));
});

Deno.test("two readers, each of whom can have another half, get the rest of each other", async () => {
  await using fixture = await Fixture.make();
  const torrent = makeTorrent(2_000_000);
  await using even = await ScriptedPeer.listen(torrent, { has: (piece) => piece % 2 === 0 });
  await using odd = await ScriptedPeer.listen(torrent, { has: (piece) => piece % 2 === 1 });
  const [one, other] = [await fixture.swarm(), await fixture.swarm()];
  const paths = await Promise.all([
    fixture.fetch(one, torrent, [even.port]),
    fixture.fetch(other, torrent, [odd.port, one]),
  ]);
  for (const path of paths) await assertWhole(path, torrent);
  assert.ok([...even.asked].every((piece) => piece % 2 === 0));
  assert.deepEqual(fixture.log, []);
  assert.deepEqual(fixture.dropped, []);
});

Deno.test("a reader that has everything serves those who are half-way, then ends", async () => {
  await using fixture = await Fixture.make();
  const torrent = makeTorrent(400_000);
  await using source = await ScriptedPeer.listen(torrent);
  // What it sends at once is half of the file; the other can't get the rest elsewhere.
  const one = await fixture.swarm({ uploadRate: 200_000 });
  const other = await fixture.swarm({ mayDial: () => false });
  const met = Promise.withResolvers<void>();
  async function* peers() {
    yield { host: "127.0.0.1", port: other.port };
    await met.promise;
    yield { host: "127.0.0.1", port: source.port };
  }
  const waiting = { peers: new ReadableStream<{ host: string; port: number }>() };
  const done: string[] = [];
  const connected = (count: number) => count > 0 && met.resolve();
  const [late, early] = [
    fixture.fetch(other, torrent, [], waiting).finally(() => done.push("other")),
    fixture.fetch(one, torrent, [], { peers: peers(), connected }).finally(() => done.push("one")),
  ];
  const paths = await Promise.all([late, early]);
  assert.deepEqual(done, ["one", "other"]);
  for (const path of paths) await assertWhole(path, torrent);
  assert.deepEqual(fixture.log, []);
});

Deno.test("several seeds share the work", async () => {
  await using fixture = await Fixture.make();
  const torrent = makeTorrent(4_000_000, 256 * 1024);
  const seeds = await Promise.all([0, 1, 2].map(() => ScriptedPeer.listen(torrent)));
  seeds.forEach((peer) => fixture.defer(() => peer[Symbol.asyncDispose]()));
  const reader = await fixture.swarm();
  await assertWhole(await fixture.fetch(reader, torrent, seeds.map((p) => p.port)), torrent);
  for (const seed of seeds) assert.ok(seed.asked.size > 0);
});

Deno.test("a fetch that was aborted goes on where it was", async () => {
  await using fixture = await Fixture.make();
  const torrent = makeTorrent(1_000_000);
  await using half = await ScriptedPeer.listen(torrent, { has: (piece) => piece < 15 });
  const reader = await fixture.swarm();
  const into = fixture.path();
  const abort = new AbortController();
  const halfway = fixture.fetch(reader, torrent, [half.port], {
    into,
    signal: abort.signal,
    progress: (done) => done >= 15 * 32768 && abort.abort(new Error("enough")),
  });
  await assert.rejects(halfway, /enough/);

  await using rest = await ScriptedPeer.listen(torrent);
  const again = await fixture.swarm();
  await assertWhole(await fixture.fetch(again, torrent, [rest.port], { into }), torrent);
  assert.equal(Math.min(...rest.asked), 15);
});

Deno.test("what a partial file holds is checked, not believed", async () => {
  await using fixture = await Fixture.make();
  const torrent = makeTorrent(300_000);
  const into = fixture.path();
  const damaged = new Uint8Array(400_000); // longer, too
  damaged.set(torrent.bytes);
  damaged[100_000]! ^= 1;
  await Deno.writeFile(into, damaged);
  await using peer = await ScriptedPeer.listen(torrent);
  const reader = await fixture.swarm();
  await assertWhole(await fixture.fetch(reader, torrent, [peer.port], { into }), torrent);
  assert.deepEqual([...peer.asked], [3]);
});

Deno.test("what we seed ourselves is fetched without the network", async () => {
  await using fixture = await Fixture.make();
  const torrent = makeTorrent(300_000);
  const path = fixture.path();
  await Deno.writeFile(path, torrent.bytes, { mode: 0o444 }); // as packs are in a store
  const swarm = await fixture.swarm();
  using _seed = fixture.seed(swarm, torrent, path);
  const copy = await fixture.fetch(swarm, torrent, []);
  await assertWhole(copy, torrent);
  assert.equal((await Deno.stat(copy)).mode! & 0o200, 0o200); // else it can't be written to later
});

Deno.test("a torrent of another name or length than the expected one", async () => {
  await using fixture = await Fixture.make();
  const torrent = makeTorrent(100_000);
  const seed = await fixture.seeder(torrent);
  const reader = await fixture.swarm();
  const wrongTorrent = (error: unknown) =>
    error instanceof VerificationError && error.code === "wrong-torrent";
  await assert.rejects(fixture.fetch(reader, torrent, [seed], { name: "other" }), wrongTorrent);
  const longer = { length: 100_001, maxLength: 100_001 };
  await assert.rejects(fixture.fetch(reader, torrent, [seed], longer), wrongTorrent);
  const tooLong = { length: undefined, maxLength: 99_999 };
  await assert.rejects(
    fixture.fetch(reader, torrent, [seed], tooLong),
    (error) => error instanceof VerificationError && error.code === "bad-metainfo",
  );
});

Deno.test("nobody there: an error at once, not at the deadline", async () => {
  await using fixture = await Fixture.make();
  const reader = await fixture.swarm();
  await assert.rejects(fixture.fetch(reader, makeTorrent(1_000), []), nobodyAnswered);
});

Deno.test("peers that refuse, choke or lack the file: an error at the deadline", async () => {
  await using fixture = await Fixture.make();
  const torrent = makeTorrent(100_000);
  await using chokes = await ScriptedPeer.listen(torrent, { chokes: true });
  await using empty = await ScriptedPeer.listen(torrent, { has: () => false });
  const reader = await fixture.swarm();
  const fetch = fixture.fetch(reader, torrent, [1, chokes.port, empty.port], { seconds: 1 });
  await assert.rejects(fetch, nobodyAnswered);
});

Deno.test("peers that are found later are used", async () => {
  await using fixture = await Fixture.make();
  const torrent = makeTorrent(100_000);
  const seed = await fixture.seeder(torrent);
  const reader = await fixture.swarm();
  const never = Promise.withResolvers<void>();
  fixture.defer(() => never.resolve());
  const peers = (async function* () {
    yield { host: "127.0.0.1", port: 1 };
    reader.addPeers(torrent.infohash, [{ host: "127.0.0.1", port: seed.port }]);
    await never.promise;
  })();
  await assertWhole(await fixture.fetch(reader, torrent, [], { peers }), torrent);
});

Deno.test("closing a swarm ends its fetches", async () => {
  await using fixture = await Fixture.make();
  const torrent = makeTorrent(100_000);
  await using chokes = await ScriptedPeer.listen(torrent, { chokes: true });
  const reader = await fixture.swarm();
  const fetch = assert.rejects(fixture.fetch(reader, torrent, [chokes.port]), /was stopped/);
  await reader[Symbol.asyncDispose]();
  await fetch;
});

Deno.test("one reader after the other through one upload slot", async () => {
  await using fixture = await Fixture.make();
  const torrent = makeTorrent(500_000);
  const seed = await fixture.seeder(torrent, { uploadSlots: 1 });
  const readers = await Promise.all([0, 1, 2].map(() => fixture.swarm()));
  const paths = await Promise.all(readers.map((r) => fixture.fetch(r, torrent, [seed])));
  for (const path of paths) await assertWhole(path, torrent);
});

Deno.test("the upload rate holds", async () => {
  await using fixture = await Fixture.make();
  const torrent = makeTorrent(100_000);
  const seed = await fixture.seeder(torrent, { uploadRate: 100_000 });
  const reader = await fixture.swarm();
  const start = performance.now();
  for (let i = 0; i < 2; i++) {
    await assertWhole(await fixture.fetch(reader, torrent, [seed]), torrent);
  }
  // Of 200,000 bytes a first second's worth goes out at once.
  assert.ok(performance.now() - start > 800, "faster than the rate allows");
});

Deno.test("twenty readers that know one seed find each other, and all get the file", async () => {
  await using fixture = await Fixture.make();
  const torrent = makeTorrent(3_000_000, 64 * 1024);
  const seed = await fixture.seeder(torrent, { uploadSlots: 4 });
  const readers = await Promise.all(Array.from({ length: 20 }, () => fixture.swarm()));
  let most = 0;
  const progress = () => {
    for (const reader of readers) most = Math.max(most, reader.peers(torrent.infohash).length);
  };
  const paths = await Promise.all(
    readers.map((reader) => fixture.fetch(reader, torrent, [seed], { progress, seconds: 30 })),
  );
  for (const path of paths) await assertWhole(path, torrent);
  assert.ok(most > 1, "nobody had more peers than the seed");
});

Deno.test("a port that is taken", async () => {
  await using fixture = await Fixture.make();
  const { port } = await fixture.swarm();
  await assert.rejects(
    fixture.swarm({ port }),
    (error) => error instanceof NetworkError && error.code === "port-in-use",
  );
});
