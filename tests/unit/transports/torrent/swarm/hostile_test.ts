/** Peers that lie, flood, fall silent or send garbage: dropped, counted, and others are used. */
import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { randomBytes } from "node:crypto";
// @ts-types="../../../../../lib/types/bittorrent_protocol.d.ts"
import Wire from "bittorrent-protocol";
import { NetworkError } from "../../../../../lib/common/errors.ts";
import { assertWhole, concat, Fixture, makeTorrent, type TestTorrent } from "./fixture.ts";
import { type Script, ScriptedPeer } from "./scripted_peer.ts";
import type { Swarm } from "../../../../../lib/transports/torrent/swarm/swarm.ts";

/** A fetch from one peer of the script and one honest peer; answers why peers were dropped. */
async function fetchDespite(script: Script, size = 1_000_000): Promise<string[]> {
  await using fixture = await Fixture.make();
  const torrent = makeTorrent(size);
  await using bad = await ScriptedPeer.listen(torrent, script);
  const reader = await fixture.swarm({ patienceMs: 300 });
  const seed = await fixture.seeder(torrent);
  const path = await fixture.fetch(reader, torrent, [bad.port, seed]);
  await assertWhole(path, torrent);
  return fixture.dropped;
}

Deno.test("a peer whose pieces are all wrong is banned", async () => {
  assert.deepEqual(await fetchDespite({ corrupts: () => true }), ["wrong-piece"]);
});

Deno.test("a peer that lies now and then is found out", async () => {
  const dropped = await fetchDespite({ corrupts: (piece) => piece % 5 === 0 });
  assert.ok(dropped.every((reason) => reason === "wrong-piece") && dropped.length <= 1);
});

Deno.test("several liars, one honest peer", async () => {
  await using fixture = await Fixture.make();
  const torrent = makeTorrent(1_000_000, 256 * 1024);
  const liars = await Promise.all(
    [0, 1, 2, 3, 4].map(() => ScriptedPeer.listen(torrent, { corrupts: () => true })),
  );
  liars.forEach((peer) => fixture.defer(() => peer[Symbol.asyncDispose]()));
  const seed = await fixture.seeder(torrent);
  const reader = await fixture.swarm();
  const ports = liars.map((liar) => liar.port);
  const path = await fixture.fetch(reader, torrent, [...ports, seed]);
  await assertWhole(path, torrent);
  for (const liar of liars) assert.ok(liar.connections <= 1, "a liar was dialled again");
});

Deno.test("only liars: an error, and the file stays without their bytes", async () => {
  await using fixture = await Fixture.make();
  const torrent = makeTorrent(100_000);
  await using liar = await ScriptedPeer.listen(torrent, { corrupts: () => true });
  const reader = await fixture.swarm();
  const into = fixture.path();
  await assert.rejects(
    fixture.fetch(reader, torrent, [liar.port], { into }),
    (error) => error instanceof NetworkError && error.code === "nobody-answered",
  );
  assert.equal((await Deno.stat(into)).size, 0);
});

Deno.test("wrong metadata, of any kind", async () => {
  const text = (s: string) => new TextEncoder().encode(s);
  const lies = [makeTorrent(1_000_000).info, text("l-3:"), text("garbage"), new Uint8Array(5_000)];
  for (const info of lies) assert.deepEqual(await fetchDespite({ info }), ["wrong-metadata"]);
  const huge = new Uint8Array(100_000);
  assert.deepEqual(await fetchDespite({ info: huge }), ["wrong-metadata"]);
});

Deno.test("metadata messages that make the package throw", async () => {
  assert.deepEqual(await fetchDespite({ infoPiece: -1 }), ["bad-message"]);
});

Deno.test("peers that fall silent", async () => {
  await fetchDespite({ silent: "at-once" });
  await fetchDespite({ silent: "after-handshake" });
  await fetchDespite({ silent: "when-asked" });
});

Deno.test("alone with a silent peer: it is dropped, and the fetch ends", async () => {
  for (const silent of ["at-once", "when-asked"] as const) {
    await using fixture = await Fixture.make();
    const torrent = makeTorrent(100_000);
    await using peer = await ScriptedPeer.listen(torrent, { silent });
    const reader = await fixture.swarm({ patienceMs: 200 });
    await assert.rejects(
      fixture.fetch(reader, torrent, [peer.port], { seconds: 1 }),
      /can't download/,
    );
    assert.ok(fixture.dropped.includes("silent-peer"));
  }
});

const length = (n: number) => new Uint8Array([n >>> 24, n >>> 16, n >>> 8, n]);
const message = (id: number, ...payload: (string | Uint8Array)[]) => {
  const body = concat(new Uint8Array([id]), ...payload);
  return concat(length(body.length), body);
};
const hello = (torrent: TestTorrent) =>
  concat(
    "\x13BitTorrent protocol",
    new Uint8Array([0, 0, 0, 0, 0, 0x10, 0, 0]),
    Uint8Array.from(torrent.infohash.match(/../g)!, (hex) => parseInt(hex, 16)),
    randomBytes(20),
  );

/** Connects, sends, once unchoked sends `then`, and resolves when the swarm has hung up. */
function send(swarm: Swarm, first: Uint8Array, then?: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    const socket: Socket = connect(swarm.port, "127.0.0.1", () => socket.write(first));
    let last = "";
    socket.on("data", (data: Uint8Array) => {
      last = (last + hex(data)).slice(-1000);
      if (then && last.endsWith("0000000101")) socket.write(then);
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve());
  });
}

const hex = (bytes: Uint8Array) =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

Deno.test("garbage on the port: each connection is dropped, and the seed goes on", async () => {
  await using fixture = await Fixture.make();
  const torrent = makeTorrent(1_000_000);
  const seed = await fixture.seeder(torrent, { patienceMs: 300 });
  const greeting = hello(torrent);
  const extended = (body: string) => message(20, new Uint8Array([0]), body);
  const request = (piece: number, offset: number, size: number) =>
    message(6, length(piece), length(offset), length(size));
  const reader = concat(greeting, message(2));
  const flood = concat(...Array.from({ length: 600 }, () => request(0, 0, 16384)));
  const attacks: [string, Uint8Array, Uint8Array?][] = [
    ["silent-peer", new Uint8Array(0)],
    ["silent-peer", new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n")],
    ["silent-peer", randomBytes(100)],
    ["unknown-infohash", hello(makeTorrent(1))],
    ["oversized-message", concat(greeting, length(0x7fffffff))],
    ["oversized-message", concat(greeting, length(0xffffffff))],
    ["bad-extension-message", concat(greeting, extended("l-3:"))],
    ["bad-extension-message", concat(greeting, extended("l".repeat(10_000)))],
    ["bad-request", reader, request(0, 0, 0x7fffffff)],
    ["bad-request", reader, request(-1, 0, 16384)],
    ["bad-request", reader, request(1_000_000, 0, 16384)],
    ["bad-request", reader, request(0, 0xffffc000, 16384)],
    ["request-flood", reader, flood],
  ];
  for (const [reason, first, then] of attacks) {
    fixture.dropped.length = 0;
    await send(seed, first, then);
    assert.deepEqual(fixture.dropped, [reason]);
  }
  const honest = await fixture.swarm();
  const path = await fixture.fetch(honest, torrent, [seed]);
  await assertWhole(path, torrent);
});

Deno.test("an encrypted connection (MSE) reaches the right torrent among many", async () => {
  await using fixture = await Fixture.make();
  const torrents = Array.from({ length: 3 }, () => makeTorrent(50_000));
  const seed = await fixture.swarm();
  for (const torrent of torrents) {
    const path = fixture.path();
    await Deno.writeFile(path, torrent.bytes);
    fixture.seed(seed, torrent, path);
  }
  const { infohash, bytes } = torrents[1]!;
  const socket = connect(seed.port, "127.0.0.1");
  fixture.defer(() => void socket.destroy());
  const wire = new Wire("tcpOutgoing", 2);
  socket.on("data", (data) => wire.write(data));
  wire.on("data", (data) => socket.write(data));
  const block = new Promise<Uint8Array>((resolve, reject) => {
    socket.on("close", () => reject(new Error("the swarm hung up")));
    wire.on("crypto-handshake", () => {
      wire.handshake(infohash, "ab".repeat(20), { dht: false, fast: false });
    });
    wire.on("handshake", (theirs) => {
      assert.equal(theirs, infohash);
      wire.interested();
    });
    wire.on("unchoke", () => {
      wire.request(1, 0, 16384, (error, data) => data ? resolve(data.slice()) : reject(error));
    });
  });
  wire.startEncryption(infohash);
  assert.deepEqual(await block, bytes.subarray(32768, 49152));
});

Deno.test("a peer that asks and asks but never reads is dropped", async () => {
  await using fixture = await Fixture.make();
  const torrent = makeTorrent(1_000_000);
  const reason = Promise.withResolvers<string>();
  const seed = await fixture.seeder(torrent, { dropped: reason.resolve });
  const socket = connect(seed.port, "127.0.0.1");
  fixture.defer(() => void socket.destroy());
  socket.on("error", () => {});
  socket.write(
    concat(hello(torrent), message(20, new Uint8Array([0]), "d1:md11:ut_metadatai9eee")),
  );
  const ask = message(20, new Uint8Array([1]), "d8:msg_typei0e5:piecei0ee");
  const asks = concat(...Array.from({ length: 1_000 }, () => ask));
  socket.once("data", () => {
    socket.pause();
    for (let i = 0; i < 100; i++) socket.write(asks);
  });
  assert.equal(await reason.promise, "peer-does-not-read");
});

Deno.test("an address that may not be dialled is not", async () => {
  await using fixture = await Fixture.make();
  const torrent = makeTorrent(1000);
  const seed = await fixture.seeder(torrent);
  const reader = await fixture.swarm({ mayDial: (host) => host !== "127.0.0.1" });
  await assert.rejects(
    fixture.fetch(reader, torrent, [seed], { seconds: 1 }),
    (error) => error instanceof NetworkError && error.code === "nobody-answered",
  );
  assert.ok(fixture.dropped.includes("inside-address"));
});

Deno.test({
  name: "one address can't take all connections",
  ignore: Deno.build.os !== "linux", // elsewhere loopback has one address only
  async fn() {
    await using fixture = await Fixture.make();
    const torrent = makeTorrent(100_000);
    const seed = await fixture.seeder(torrent, { maxConnections: 8, patienceMs: 30_000 });
    const sockets = Array.from(
      { length: 8 },
      () => connect({ host: "127.0.0.1", port: seed.port, localAddress: "127.0.0.2" }),
    );
    try {
      for (const socket of sockets) socket.on("error", () => {});
      const ended = sockets.map((socket) => new Promise((resolve) => socket.on("close", resolve)));
      // Six of eight places are for strangers.
      await Promise.race(ended);
      const reader = await fixture.swarm();
      const path = await fixture.fetch(reader, torrent, [seed], { seconds: 10 });
      await assertWhole(path, torrent);
    } finally {
      for (const socket of sockets) socket.destroy();
    }
  },
});
