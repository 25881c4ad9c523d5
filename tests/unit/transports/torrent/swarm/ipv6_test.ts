/** Swarms over IPv6, and over both families at once, on loopback. */
import assert from "node:assert/strict";
import { connect } from "node:net";
import { once } from "node:events";
import { ipText } from "../../../../../lib/common/ip_address.ts";
import type { PeerAddress } from "../../../../../lib/transports/torrent/swarm/candidates.ts";
import { exchangePeers } from "../../../../../lib/transports/torrent/swarm/pex.ts";
import { type Swarm } from "../../../../../lib/transports/torrent/swarm/swarm.ts";
import { PeerWire } from "../../../../../lib/transports/torrent/swarm/wire.ts";
import { soon } from "../../../engine/fixture.ts";
import { assertWhole, Fixture, makeTorrent } from "./fixture.ts";
import { ScriptedPeer } from "./scripted_peer.ts";

const BOTH = { host: "::" };

const at = (host: string, swarm: Pick<Swarm, "port">): PeerAddress => ({ host, port: swarm.port });

Deno.test("one port is for IPv4 and IPv6, and its peers have one form of address", async () => {
  await using fixture = await Fixture.make();
  const torrent = makeTorrent(100_000);
  const told: string[] = [];
  const seen = (from: string, yourip: unknown) => {
    assert.ok(yourip instanceof Uint8Array);
    assert.equal(ipText(yourip), from, "on loopback both are the same");
    told.push(from);
  };
  const seed = await fixture.seeder(torrent, BOTH);
  for (const host of ["127.0.0.1", "::1"]) {
    const reader = await fixture.swarm({ ...BOTH, seen });
    let peers: string[] = [];
    const progress = () => peers = seed.peers(torrent.infohash);
    const path = await fixture.fetch(reader, torrent, [], { peers: [at(host, seed)], progress });
    await assertWhole(path, torrent);
    const shown = host.includes(":") ? `[${host}]:${reader.port}` : `${host}:${reader.port}`;
    assert.deepEqual(peers, [shown]);
    assert.equal(told.at(-1), host);
  }
  assert.deepEqual(fixture.dropped, []);
});

Deno.test("a swarm on an IPv4 address takes nobody over IPv6, and the other way round", async () => {
  await using fixture = await Fixture.make();
  for (const [host, other] of [["0.0.0.0", "::1"], ["::1", "127.0.0.1"]] as const) {
    const { port } = await fixture.swarm({ host });
    const [error] = await once(connect(port, other), "error");
    assert.equal(error.code, "ECONNREFUSED");
  }
});

Deno.test("a port that is taken for IPv4 alone is taken for both", async () => {
  await using fixture = await Fixture.make();
  const { port } = await fixture.swarm({ host: "0.0.0.0" });
  await assert.rejects(fixture.swarm({ ...BOTH, port }), { code: "port-in-use" });
});

Deno.test("peers tell each other of IPv6 addresses", async () => {
  await using fixture = await Fixture.make();
  const torrent = makeTorrent(3_000_000, 64 * 1024);
  const seed = await fixture.seeder(torrent, { ...BOTH, uploadRate: 3_000_000 });
  const readers = await Promise.all([1, 2, 3].map(() => fixture.swarm(BOTH)));
  let most = 0;
  const progress = () => {
    for (const reader of readers) most = Math.max(most, reader.peers(torrent.infohash).length);
  };
  const peers = [at("::1", seed)];
  const paths = await Promise.all(
    readers.map((reader) => fixture.fetch(reader, torrent, [], { peers, progress, seconds: 30 })),
  );
  for (const path of paths) await assertWhole(path, torrent);
  assert.ok(most > 1, "nobody had more peers than the seed");
});

Deno.test("a peer at two addresses is one: the first connection stays", async () => {
  await using fixture = await Fixture.make();
  const torrent = makeTorrent(2_000_000, 64 * 1024);
  const seed = await fixture.seeder(torrent, { ...BOTH, uploadRate: 1_000_000 });
  const reader = await fixture.swarm(BOTH);
  const seen = new Set<string>();
  let most = 0;
  const progress = () => {
    const peers = seed.peers(torrent.infohash);
    most = Math.max(most, peers.length);
    for (const peer of peers) seen.add(peer);
  };
  const peers = ["127.0.0.1", "::1"].map((host) => at(host, seed));
  await assertWhole(await fixture.fetch(reader, torrent, [], { peers, progress }), torrent);
  assert.equal(most, 1);
  assert.equal(seen.size, 1, [...seen].join());
});

Deno.test("where one of a peer's addresses is silent, the other one serves", async () => {
  await using fixture = await Fixture.make();
  const torrent = makeTorrent(100_000);
  await using silent = await ScriptedPeer.listen(torrent, { silent: "at-once" });
  const seed = await fixture.seeder(torrent, { host: "::1" });
  const reader = await fixture.swarm(BOTH);
  const peers = [{ host: "127.0.0.1", port: silent.port }, at("::1", seed)];
  await assertWhole(await fixture.fetch(reader, torrent, [], { peers }), torrent);
});

/** What a swarm says in its extended handshake to who connects to `host`. */
async function handshakeOf(swarm: Swarm, infohash: string, host: string) {
  const socket = connect(swarm.port, host);
  await once(socket, "connect");
  const wire = new PeerWire(socket, true, () => {});
  exchangePeers(wire, { found: () => {}, dropped: () => {} });
  const told = Promise.withResolvers<void>();
  wire.protocol.on("extended", () => told.resolve());
  wire.protocol.handshake(infohash, "cd".repeat(20), { dht: false, fast: false });
  using wait = soon();
  wait.signal.addEventListener("abort", () => told.reject(wait.signal.reason));
  await told.promise;
  wire.close();
  return wire.protocol.peerExtendedHandshake;
}

Deno.test("the extended handshake says the peer's address and, over IPv4, our IPv6 one", async () => {
  await using fixture = await Fixture.make();
  const torrent = makeTorrent(100);
  const seed = await fixture.seeder(torrent, { ...BOTH, ipv6: () => "2001:db8::5" });
  const hex = (value: unknown) => (value as Uint8Array | undefined)?.toHex();
  const ipv4 = await handshakeOf(seed, torrent.infohash, "127.0.0.1");
  assert.equal(hex(ipv4["yourip"]), "7f000001");
  assert.equal(hex(ipv4["ipv6"]), "20010db8000000000000000000000005");
  const ipv6 = await handshakeOf(seed, torrent.infohash, "::1");
  assert.equal(hex(ipv6["yourip"]), "00".repeat(15) + "01");
  assert.equal(ipv6["ipv6"], undefined);
});
