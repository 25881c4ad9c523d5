/**
 * A million packets that nobody meant: no crash, no growth, and the stream goes on.
 *
 * @module
 */
import assert from "node:assert/strict";
import { encodeHeader, PacketType } from "../../../lib/udx/packet.ts";
import { RECEIVE_WINDOW } from "../../../lib/udx/receiver.ts";
import { advance } from "../../../lib/udx/sequence.ts";
import { mulberry32, noise, Simulator } from "./simulator.ts";

const PACKETS = 1_000_000;

Deno.test("fuzz: a million packets of chance leave a connection bounded and at work", () => {
  const random = mulberry32(42);
  const below = (n: number) => Math.floor(random() * n);
  const world = new Simulator({ delay: 5 });
  const { a } = world;
  a.stalled = true; // nobody reads: what is believed has to fit
  const { sender, receiver } = a.connection;
  const bytes = new Uint8Array(1500);
  const types = Object.values(PacketType).filter((type) => type !== PacketType.DESTROY);
  for (let i = 0; i < PACKETS; i++) {
    const length = 20 + below(i % 10 === 0 ? 1480 : 60);
    for (let j = 20; j < Math.min(length, 60); j++) bytes[j] = below(256);
    let type = 0;
    for (const bit of types) if (below(3) === 0) type |= bit;
    if (below(1000) === 0) type |= PacketType.DESTROY;
    if (below(50) !== 0) type &= ~PacketType.END;
    encodeHeader(bytes, {
      type,
      offset: below(4) === 0 ? below(256) : 0,
      stream: 1,
      window: below(2) ? below(2 ** 32) : below(100_000),
      seq: near(receiver.ack, below, 100_000),
      ack: type & PacketType.DESTROY ? advance(sender.recovery.next, 1) : near(
        sender.recovery.oldest,
        below,
        20,
      ),
    });
    a.connection.feed(bytes.subarray(0, length), world.now);
    if (i % 100 === 0) {
      a.connection.flush();
      a.connection.write([noise(3000, i)], world.now);
      world.now += 1;
      if (a.connection.deadline <= world.now) a.connection.onTimer(world.now);
    }
    if (i % 10_000 === 0) {
      assert.ok(sender.recovery.outstanding <= 8192, "packets kept");
      assert.ok(receiver.early * 128 <= 2 * RECEIVE_WINDOW, "packets buffered");
      assert.ok(a.bytes <= 2 * RECEIVE_WINDOW + 1500, "bytes delivered and not read");
      assert.ok(sender.bbr.window >= 1 && sender.bbr.window < 1e6, `window ${sender.bbr.window}`);
      assert.ok(sender.mtu.mtu >= 1200 && sender.mtu.mtu <= 1500);
      a.received.length = a.messages.length = 0; // the test's own copies
    }
  }
  assert.equal(a.over, false);
  const { malformed, outside, badAck } = a.connection.dropped;
  assert.ok(malformed > 1000 && outside > 1000 && badAck > 1000 && sender.recovery.badSacks > 1000);
});

Deno.test("fuzz: every packet a hundred times changes nothing", () => {
  const world = new Simulator({ delay: 5, duplicate: 1 });
  const { a, b } = world;
  const data = noise(300_000);
  a.connection.write([data], 0);
  a.connection.end(0);
  b.connection.end(0);
  const replayed: Uint8Array[] = [];
  const carry = world.carry.bind(world);
  world.carry = (from, packet) => {
    if (from === "a" && replayed.length < 2000) replayed.push(packet.slice());
    carry(from, packet);
  };
  world.run(() => b.bytes > 100_000);
  for (let i = 0; i < 100; i++) for (const packet of replayed) b.receive(packet, world.now);
  world.run(() => a.over && b.over);
  assert.deepEqual(b.text(), data);
  assert.deepEqual([a.error, b.error], [null, null]);
});

Deno.test("fuzz: a flood of messages is answered by nothing", () => {
  const world = new Simulator({ delay: 5 });
  for (let i = 0; i < 10_000; i++) {
    world.b.forge({ type: PacketType.MESSAGE, seq: 0, ack: 0 }, 0, new Uint8Array(10));
  }
  assert.equal(world.b.sentPackets, 0);
  assert.equal(world.b.messages.length, 10_000);
});

/** Mostly close to a number, sometimes anywhere. */
function near(to: number, below: (n: number) => number, spread: number): number {
  return below(5) === 0 ? below(2 ** 32) : advance(to, below(spread) - Math.floor(spread / 4));
}
