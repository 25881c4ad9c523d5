/** UDX packets, one after the other, into a connection at work. */
import assert from "node:assert/strict";
import { isPacket, MAX_SACK_BLOCKS, payloadStart, sackBlocks } from "../../../lib/udx/packet.ts";
import { RECEIVE_WINDOW } from "../../../lib/udx/receiver.ts";
import { Simulator } from "../../unit/udx/simulator.ts";
import { simple, type Target } from "../target.ts";

/** Before each packet of an input stands its length, little endian. */
const LENGTH = 2;
const MAX_PACKET = 1500;
const MAX_OUTSTANDING = 8192;

export const make = (): Target =>
  simple({
    form: "bytes",
    maxBytes: 16 * 1024,
    check,
  });

function check(input: Uint8Array): boolean {
  const world = new Simulator({ delay: 5 });
  const { a, b } = world;
  a.stalled = true; // nobody reads: what is believed has to fit
  a.connection.write([new Uint8Array(3000)], 0);
  a.connection.flush();
  const before = a.connection.receiver.ack;
  for (let at = 0; at + LENGTH <= input.length && !a.over;) {
    const length = Math.min((input[at]! | (input[at + 1]! << 8)) % (MAX_PACKET + 1), input.length);
    const packet = input.slice(at + LENGTH, at + LENGTH + length);
    at += LENGTH + length;
    world.now += 1;
    if (isPacket(packet)) {
      assert.ok(payloadStart(packet) <= packet.length && sackBlocks(packet) <= MAX_SACK_BLOCKS);
      a.connection.feed(packet, world.now);
      a.connection.flush();
    }
    if (a.connection.deadline <= world.now) a.connection.onTimer(world.now);
    const { sender, receiver } = a.connection;
    assert.ok(sender.recovery.outstanding <= MAX_OUTSTANDING, "packets kept");
    assert.ok(receiver.early * 128 <= 2 * RECEIVE_WINDOW, "packets buffered");
    assert.ok(a.bytes <= 2 * RECEIVE_WINDOW + MAX_PACKET, "bytes delivered and not read");
    assert.ok(sender.bbr.window >= 1 && sender.bbr.window < 1e6, `window ${sender.bbr.window}`);
    assert.ok(sender.mtu.mtu >= 1200 && sender.mtu.mtu <= MAX_PACKET);
  }
  b.over = true;
  return a.connection.receiver.ack !== before || a.messages.length > 0;
}
