/** Peer exchange: how often, how much, and from whom. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { PexAllowance, PexPace } from "../../../../../lib/transports/torrent/swarm/pex_pace.ts";

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
