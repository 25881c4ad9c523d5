import assert from "node:assert/strict";
import { Bitfield } from "../../../../../lib/transports/torrent/swarm/bitfield.ts";

Deno.test("bitfield: the first piece is the highest bit of the first byte", () => {
  const bits = new Bitfield(10);
  for (const index of [0, 7, 9]) assert.equal(bits.add(index), true);
  assert.deepEqual(bits.bytes, Uint8Array.of(0x81, 0x40));
  assert.deepEqual([bits.has(0), bits.has(1), bits.has(9), bits.has(10)], [
    true,
    false,
    true,
    false,
  ]);
  assert.equal(bits.count, 3);
});

Deno.test("bitfield: a piece counts once, and one that there is not never", () => {
  const bits = new Bitfield(10);
  assert.equal(bits.add(3), true);
  for (const index of [3, -1, 10, 15, 80, NaN]) assert.equal(bits.add(index), false, String(index));
  assert.deepEqual([bits.count, bits.bytes], [1, Uint8Array.of(0x10, 0)]);
});

Deno.test("bitfield: of a peer's, missing bits are not set and those behind the end don't count", () => {
  const sent = Uint8Array.of(0xff, 0xff, 0xff);
  const bits = Bitfield.from(10, sent);
  assert.deepEqual([bits.count, bits.isFull, bits.bytes], [10, true, Uint8Array.of(0xff, 0xc0)]);
  assert.equal(sent[1], 0xff, "it is a copy");
  const short = Bitfield.from(10, Uint8Array.of(0xff));
  assert.deepEqual([short.count, short.isFull, short.has(8)], [8, false, false]);
  assert.deepEqual([short.add(8), short.add(9), short.isFull], [true, true, true]);
  assert.deepEqual(Bitfield.full(10), bits);
  assert.equal(Bitfield.full(0).isFull, true);
});
