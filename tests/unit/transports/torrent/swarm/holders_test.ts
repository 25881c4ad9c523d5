/** Which peers have a torrent: what they say on the wire, whatever else they claim. */
import assert from "node:assert/strict";
import { setImmediate } from "node:timers";
import type {
  Swarm,
  SwarmMeeting,
  SwarmOptions,
} from "../../../../../lib/transports/torrent/swarm/swarm.ts";
import { soon } from "../../../engine/fixture.ts";
import { Fixture, makeTorrent, type TestTorrent } from "./fixture.ts";
import { type Script, ScriptedPeer } from "./scripted_peer.ts";

const TARGET = "ab".repeat(20);

/** What is asked about a torrent. */
function question({ infohash, bytes, pieceLength }: TestTorrent) {
  return { infohash, pieces: Math.ceil(bytes.length / pieceLength) };
}

/** Lets connections go on until it is so. */
async function until(isSo: () => boolean): Promise<void> {
  using wait = soon();
  while (!isSo()) {
    wait.signal.throwIfAborted();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Two nodes that have met, `told` by the second; the meetings stay open. */
async function meet(fixture: Fixture, own: Swarm, other: Swarm, told = 7): Promise<SwarmMeeting> {
  const heard = Promise.withResolvers<number>();
  const mine = own.meet(TARGET, heard.resolve);
  const theirs = other.meet(TARGET, () => {});
  fixture.defer(() => {
    mine[Symbol.dispose]();
    theirs[Symbol.dispose]();
  });
  theirs.tell(told);
  await mine.dial({ host: "127.0.0.1", port: other.port });
  using wait = soon();
  wait.signal.addEventListener("abort", () => heard.reject(wait.signal.reason));
  assert.equal(await heard.promise, told);
  return mine;
}

Deno.test("a peer that serves all of it is known to have it, one that told only is not", async () => {
  await using fixture = await Fixture.make();
  const torrent = makeTorrent(100_000);
  const [own, has, lacks] = [
    await fixture.swarm(),
    await fixture.seeder(torrent),
    await fixture.swarm(),
  ];
  const meeting = await meet(fixture, own, has);
  using _lacking = lacks.meet(TARGET, () => {});
  await meeting.dial({ host: "127.0.0.1", port: lacks.port });
  using wait = soon();
  await until(() => meeting.members.length === 2);
  const byPort = (port: number) => meeting.members.find((m) => m.address?.port === port)!;
  assert.equal(byPort(has.port).sequence, 7);
  assert.equal(byPort(lacks.port).sequence, 0);
  assert.equal(await own.isHeldBy(byPort(has.port), question(torrent), wait.signal), true);
  assert.equal(await own.isHeldBy(byPort(lacks.port), question(torrent), wait.signal), false);
  const other = { ...question(torrent), infohash: "cd".repeat(20) };
  assert.equal(await own.isHeldBy(byPort(has.port), other, wait.signal), false);
  assert.deepEqual(fixture.dropped, ["unknown-infohash", "unknown-infohash"]);
});

Deno.test("asking doesn't disturb a peer that is fetching here at that time", async () => {
  await using fixture = await Fixture.make();
  const torrent = makeTorrent(400_000);
  const own = await fixture.seeder(torrent, { uploadRate: 400_000 });
  const reader = await fixture.swarm();
  const meeting = await meet(fixture, reader, own);
  const fetched = fixture.fetch(reader, torrent, [own]);
  using wait = soon();
  const [member] = meeting.members;
  assert.equal(await reader.isHeldBy(member!, question(torrent), wait.signal), true);
  await fetched;
  assert.deepEqual(fixture.dropped, []);
});

Deno.test("a peer that can't be dialled is known by what it fetched here", async () => {
  await using fixture = await Fixture.make();
  const torrent = makeTorrent(100_000);
  const own = await fixture.seeder(torrent);
  const hidden = await fixture.swarm();
  const [known] = (await meet(fixture, own, hidden)).members;
  const member = { ...known!, address: undefined };
  using wait = soon();
  assert.equal(await own.isHeldBy(member, question(torrent), wait.signal), false);
  await fixture.fetch(hidden, torrent, [own]);
  await until(() => own.peers(torrent.infohash).length === 0);
  assert.equal(await own.isHeldBy(member, question(torrent), wait.signal), true);
  const forged = { ...member, host: "127.0.0.9" };
  assert.equal(await own.isHeldBy(forged, question(torrent), wait.signal), false);
});

/** What a scripted peer's word comes to, when its id is `id`. */
async function asked(
  script: Script,
  options: { id?: string; swarm?: Partial<SwarmOptions>; ms?: number } = {},
): Promise<boolean> {
  await using fixture = await Fixture.make();
  const torrent = makeTorrent(100_000);
  await using peer = await ScriptedPeer.listen(torrent, script);
  const own = await fixture.swarm({ patienceMs: 500, ...options.swarm });
  const address = { host: "127.0.0.1", port: peer.port };
  const member = { id: options.id ?? peer.id, host: address.host, address, sequence: 1 };
  return await own.isHeldBy(member, question(torrent), AbortSignal.timeout(options.ms ?? 5000));
}

Deno.test("only all pieces are enough, and only the peer's own word", async () => {
  assert.equal(await asked({}), true);
  assert.equal(await asked({ has: (piece) => piece > 0 }, { ms: 300 }), false);
  assert.equal(await asked({ has: () => false }, { ms: 300 }), false);
  assert.equal(await asked({}, { id: "ef".repeat(20) }), false, "another peer answers there");
  assert.equal(await asked({}, { swarm: { maxConnections: 0 } }), false, "no room");
});

Deno.test("silent peers are given up at the deadline", async () => {
  assert.equal(await asked({ silent: "at-once" }, { ms: 200 }), false);
  assert.equal(await asked({ silent: "at-once" }), false, "before that, at the swarm's own");
  assert.equal(await asked({ silent: "after-handshake" }, { ms: 200 }), false);
});
