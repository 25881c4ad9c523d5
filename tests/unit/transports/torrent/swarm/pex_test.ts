/** Peer exchange: how often, how much, and from whom. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { mayTell } from "../../../../../lib/transports/torrent/swarm/pex.ts";
import { PexAllowance, PexPace } from "../../../../../lib/transports/torrent/swarm/pex_pace.ts";

import { assertWhole, Fixture, makeTorrent } from "./fixture.ts";
import { ScriptedPeer } from "./scripted_peer.ts";

/** `count` addresses where nobody listens, in compact form. */
function nowhere(count: number): Uint8Array {
  const bytes = new Uint8Array(6 * count);
  for (let i = 0; i < count; i++) bytes.set([127, 0, 1 + (i >> 8), i & 255, 0, 1], 6 * i);
  return bytes;
}

/** Times at which messages go out when there is always something to tell. */
function times(isGtr: boolean, until: number): number[] {
  const pace = new PexPace();
  const sent: number[] = [];
  for (let now = 0; now < until; now += 10) {
    // What is waited for is decided once there is something to tell.
    const wait = pace.wait(now, isGtr);
    now += wait;
    pace.sent(now);
    sent.push(now);
  }
  return sent;
}

Deno.test("PEX: at once between gtr's, and soon again; then once a minute", () => {
  const sent = times(true, 300_000);
  assert.equal(sent[0], 0);
  assert.ok(sent[1]! < 500);
  assert.equal(sent.filter((at) => at < 60_000).length, 5);
  for (let i = 6; i < sent.length; i++) assert.ok(sent[i]! - sent[i - 1]! >= 60_000);
});

Deno.test("PEX: other clients get one message a minute", () => {
  const sent = times(false, 300_000);
  assert.ok(sent[0]! <= 1_000);
  for (let i = 1; i < sent.length; i++) assert.ok(sent[i]! - sent[i - 1]! >= 60_000);
});

Deno.test("PEX: what gtr sends is read; a flood is not", () => {
  const allowance = new PexAllowance();
  for (const at of times(true, 600_000)) assert.ok(allowance.take(at));
  fc.assert(fc.property(fc.array(fc.nat(1_000), { maxLength: 200 }), (gaps) => {
    const bounded = new PexAllowance();
    let now = 0;
    const read = gaps.map((gap) => now += gap).filter((at) => bounded.take(at));
    assert.ok(read.length <= 6 * Math.ceil((now + 1) / 65_000));
  }));
});

Deno.test("PEX: nobody can point further inside than where they are", () => {
  assert.ok(mayTell("8.8.8.8", "1.1.1.1") && mayTell("192.168.0.1", "192.168.0.2"));
  assert.ok(mayTell("127.0.0.1", "127.0.0.1") && mayTell("192.168.0.1", "8.8.8.8"));
  for (const inside of ["127.0.0.1", "192.168.0.1", "10.0.0.1", "169.254.1.1", "::1", "fd00::1"]) {
    assert.ok(!mayTell("8.8.8.8", inside), inside);
    assert.ok(!mayTell("2001:4860:4860::8888", inside), inside);
  }
  assert.ok(!mayTell("192.168.0.1", "127.0.0.1"));
});

Deno.test("PEX: thousands of addresses and floods of messages are counted, and the fetch goes on", async () => {
  await using fixture = await Fixture.make();
  const torrent = makeTorrent(500_000);
  const flood = Array.from({ length: 20 }, () => nowhere(1_000));
  await using bad = await ScriptedPeer.listen(torrent, { pex: [...flood, nowhere(3_000)] });
  const seed = await fixture.seeder(torrent);
  const reader = await fixture.swarm();
  await assertWhole(await fixture.fetch(reader, torrent, [bad.port, seed]), torrent);
  const count = (reason: string) => fixture.dropped.filter((one) => one === reason).length;
  assert.equal(count("oversized-pex"), 1);
  assert.equal(count("too-many-pex-peers"), 1, "the lists are the same");
  assert.equal(count("pex-flood"), 14);
});

Deno.test("PEX: the same address again and again is one", async () => {
  await using fixture = await Fixture.make();
  const torrent = makeTorrent(500_000);
  await using other = await ScriptedPeer.listen(torrent, { silent: "at-once" });
  const same = new Uint8Array(6 * 50);
  for (let i = 0; i < 50; i++) {
    same.set([127, 0, 0, 1, other.port >> 8, other.port & 255], 6 * i);
  }
  await using bad = await ScriptedPeer.listen(torrent, { pex: [same, same, same] });
  const seed = await fixture.seeder(torrent);
  const reader = await fixture.swarm({ patienceMs: 30_000 });
  await assertWhole(await fixture.fetch(reader, torrent, [bad.port, seed]), torrent);
  assert.ok(other.connections <= 1);
});
