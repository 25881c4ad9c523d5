import assert from "node:assert/strict";
import fc from "fast-check";
import { PacketType } from "../../../lib/udx/packet.ts";
import { advance } from "../../../lib/udx/sequence.ts";
import { noise, type Path, Simulator } from "./simulator.ts";

/** Sends `size` bytes from a to b, and nothing back; returns the ms of virtual time it took. */
function transfer(world: Simulator, size: number): number {
  const { a, b } = world;
  const data = noise(size);
  a.connection.write([data], world.now);
  a.connection.end(world.now);
  b.connection.end(world.now);
  const began = world.now;
  world.run(() => b.ended);
  const took = world.now - began;
  world.run(() => a.over && b.over);
  assert.deepEqual(b.text(), data);
  assert.equal(a.error, null);
  assert.equal(b.error, null);
  return took;
}

Deno.test("connection: a stream arrives whole and closes on both sides", () => {
  const world = new Simulator({ delay: 20 });
  transfer(world, 1_000_000);
  assert.equal(world.a.connection.sender.retransmits, 0);
  assert.ok(world.a.ended && world.b.ended);
});

Deno.test("connection: an empty stream ends", () => {
  transfer(new Simulator({ delay: 1 }), 0);
});

Deno.test("connection: fills a path of 100 Mbit/s and 40 ms", () => {
  const world = new Simulator({ delay: 20, rate: 12_500, queue: 500_000 });
  const took = transfer(world, 20_000_000);
  assert.ok(took < 2000, `${took} ms; the path needs 1600`);
  assert.notEqual(world.a.connection.sender.bbr.state, "startup");
});

Deno.test("connection: 1 % of loss by chance hardly slows it down", () => {
  const path = { delay: 20, rate: 12_500, queue: 500_000, loss: 0.01 };
  const world = new Simulator(path);
  const took = transfer(world, 20_000_000);
  assert.ok(took < 2200, `${took} ms; the path needs 1616`);
  assert.equal(world.a.connection.sender.recovery.timeouts, 0);
});

Deno.test("connection: a slow path with a short queue isn't flooded", () => {
  const world = new Simulator({ delay: 20, rate: 100, queue: 20_000 });
  const took = transfer(world, 1_000_000);
  assert.ok(took < 11_500, `${took} ms; the path needs 10400`);
  assert.ok(world.overflowed < 50, `${world.overflowed} packets were too many`);
});

Deno.test("connection: a path of one machine, with its short queue, is used well", () => {
  const world = new Simulator({ delay: 0.05, rate: 150_000, queue: 200_000 });
  const took = transfer(world, 20_000_000);
  assert.ok(took < 200, `${took} ms; the path needs 137`);
});

Deno.test("connection: reordering alone makes no more than a few retransmissions", () => {
  const world = new Simulator({ delay: 20, jitter: 4 });
  transfer(world, 5_000_000);
  const { retransmits } = world.a.connection.sender;
  assert.ok(retransmits < 100, `${retransmits} of 3500 packets were sent again`);
});

Deno.test("connection: arrives whole over any path that isn't dead", () => {
  fc.assert(
    fc.property(
      fc.record({
        delay: fc.double({ min: 0.05, max: 200, noNaN: true }),
        jitter: fc.double({ min: 0, max: 50, noNaN: true }),
        loss: fc.double({ min: 0, max: 0.1, noNaN: true }),
        duplicate: fc.double({ min: 0, max: 0.3, noNaN: true }),
      }),
      fc.integer({ min: 0, max: 300_000 }),
      fc.integer(),
      fc.integer({ min: 0, max: 0xffffffff }),
      fc.integer({ min: 0, max: 0xffffffff }),
      (path: Path, size, seed, seqA, seqB) => {
        transfer(new Simulator(path, { seed, seqA, seqB }), size);
      },
    ),
    { numRuns: 200 },
  );
});

Deno.test("connection: sequence numbers wrap around", () => {
  const world = new Simulator({ delay: 5, jitter: 3, loss: 0.02, duplicate: 0.02 }, {
    seqA: 0xffffffff - 200,
    seqB: 0xffffffff,
  });
  transfer(world, 2_000_000);
  assert.ok(world.a.connection.sender.recovery.next < 10_000);
});

Deno.test("connection: both sides can send at once", () => {
  const world = new Simulator({ delay: 10, loss: 0.02 });
  const { a, b } = world;
  const there = noise(500_000, 1);
  const back = noise(700_000, 2);
  a.connection.write([there], 0);
  b.connection.write([back], 0);
  a.connection.end(0);
  b.connection.end(0);
  world.run(() => a.over && b.over);
  assert.deepEqual(b.text(), there);
  assert.deepEqual(a.text(), back);
  assert.deepEqual([a.error, b.error], [null, null]);
});

Deno.test("connection: the end goes in the packet of the last data", () => {
  const world = new Simulator({ delay: 10 });
  world.a.connection.write([noise(100)], 0);
  world.a.connection.end(0);
  world.run(() => world.b.ended);
  assert.equal(world.a.connection.sender.recovery.next, 2); // the write left at once
});

Deno.test("connection: a reader that stops closes the window; it opens when he goes on", () => {
  const world = new Simulator({ delay: 10 });
  const { a, b } = world;
  const data = noise(12_000_000);
  b.stalled = true;
  a.connection.write([data], 0);
  a.connection.end(0);
  world.pass(5000);
  assert.ok(b.bytes < 4 * 1024 * 1024 + 1500, `${b.bytes} bytes arrived, unread`);
  assert.ok(a.connection.sender.blocked);
  assert.ok(a.connection.receiver.window > 0);
  b.resume();
  world.run(() => b.ended);
  assert.deepEqual(b.text(), data);
});

Deno.test("connection: an opened window is found out although its news was lost", () => {
  let deaf = false;
  const world = new Simulator({ delay: 10, drop: (_packet, from) => deaf && from === "b" });
  const { a, b } = world;
  b.stalled = true;
  a.connection.write([noise(6_000_000)], 0);
  a.connection.end(0);
  world.run(() => a.connection.sender.blocked);
  deaf = true;
  b.resume();
  world.pass(3000);
  assert.ok(!b.ended);
  deaf = false;
  world.run(() => b.ended);
});

Deno.test("connection: a closed window with nobody behind it is given up", () => {
  let dead = false;
  const world = new Simulator({ delay: 10, drop: () => dead });
  const { a, b } = world;
  b.stalled = true;
  a.connection.write([noise(6_000_000)], 0);
  world.run(() => a.connection.sender.blocked);
  dead = true;
  world.run(() => a.over, 60_000);
  assert.equal(a.error?.code, "ETIMEDOUT");
});

Deno.test("connection: who doesn't answer any more is given up within 20 s", () => {
  const world = new Simulator({ delay: 10, drop: (_packet, _from, now) => now > 100 });
  const { a } = world;
  a.connection.write([noise(1000)], 0);
  world.pass(200);
  a.connection.write([noise(50_000)], 200);
  world.run(() => a.over, 20_000);
  assert.equal(a.error?.code, "ETIMEDOUT");
});

Deno.test("connection: a lost tail is repaired sooner than by the timeout", () => {
  let sent = 0;
  // The last of five packets, after five others.
  const world = new Simulator({
    delay: 20,
    drop: (packet, from) => from === "a" && (packet[2]! & PacketType.DATA) > 0 && ++sent === 10,
  });
  const { a, b } = world;
  a.connection.write([noise(5 * 1152)], 0); // measures the path first
  world.run(() => b.bytes === 5 * 1152 && a.connection.sender.idle);
  const began = world.now;
  a.connection.write([noise(5 * a.connection.sender.payload)], began);
  world.run(() => a.connection.sender.idle);
  assert.ok(world.now - began < 200, `${world.now - began} ms`);
  assert.equal(a.connection.sender.recovery.timeouts, 0);
});

for (const mtu of [1200, 1300, 1456, 1500, 9000]) {
  Deno.test(`connection: finds an MTU of ${mtu}`, () => {
    const world = new Simulator({ delay: 20, mtu });
    transfer(world, 5_000_000);
    const found = world.a.connection.sender.mtu.mtu;
    assert.ok(found <= Math.min(mtu, 1500) && found > Math.min(mtu, 1500) - 32, `found ${found}`);
    assert.ok(world.lost <= 4, `${world.lost} probes were in vain`);
  });
}

Deno.test("connection: keep-alives are sent while nothing else is, and answered", () => {
  const world = new Simulator({ delay: 10 });
  const { a, b } = world;
  a.connection.setKeepalive(1000, 0);
  world.pass(10_500);
  assert.equal(a.sentPackets, 10);
  assert.equal(b.sentPackets, 10);
});

Deno.test("connection: messages arrive beside the stream", () => {
  const world = new Simulator({ delay: 10 });
  const message = noise(1000);
  world.a.connection.message(message);
  world.a.connection.message(new Uint8Array(0));
  world.run(() => world.b.messages.length === 2);
  assert.deepEqual(world.b.messages, [message, new Uint8Array(0)]);
});

Deno.test("connection: destroying it tells the other side", () => {
  const world = new Simulator({ delay: 10 });
  const { a, b } = world;
  a.connection.write([noise(100_000)], 0);
  world.at(5, () => a.connection.destroy(true));
  world.run(() => b.over);
  assert.equal(b.error?.code, "ECONNRESET");
  assert.equal(a.error, null);
});

Deno.test("connection: a change of the route is told when nothing waits for the old one", () => {
  const world = new Simulator({ delay: 10, loss: 0.05 });
  const { a, b } = world;
  a.connection.write([noise(200_000)], 0);
  world.at(15, () => {
    a.connection.changeRoute({ id: 2, host: "127.0.0.2", port: 2, family: 4 });
    assert.equal(a.remoteChanges, 0);
    a.connection.write([noise(200_000)], 15);
    a.connection.end(15);
  });
  world.run(() => b.ended);
  assert.equal(a.remoteChanges, 1);
  assert.equal(b.bytes, 400_000);
});

Deno.test("connection: what comes before it is connected is acknowledged then", () => {
  const world = new Simulator({ delay: 10 }, { connectB: false });
  const { a, b } = world;
  a.connection.write([noise(50_000)], 0);
  world.pass(500);
  assert.ok(b.bytes > 0);
  assert.equal(b.sentPackets, 0);
  world.connect("b");
  a.connection.end(world.now);
  world.run(() => b.ended);
  assert.equal(b.bytes, 50_000);
});

Deno.test("connection: a second copy of an end that was answered is answered again", () => {
  let lost = 0;
  // The acknowledgement of the last end, once.
  const world: Simulator = new Simulator({
    delay: 10,
    drop: (_packet, from) => from === "b" && world.b.connection.receiver.ended && ++lost === 1,
  });
  const { a, b } = world;
  b.connection.end(0);
  world.run(() => a.ended);
  a.connection.write([noise(3000)], world.now);
  a.connection.end(world.now);
  world.run(() => a.over && b.over);
  assert.ok(lost > 1);
  assert.equal(a.error, null);
});

Deno.test("connection: 64 KiB of acknowledgements of what was never sent change nothing", () => {
  const world = new Simulator({ delay: 10 });
  const { a } = world;
  a.connection.write([noise(100_000)], 0);
  const before = a.connection.sender.recovery.outstanding;
  for (let i = 1; i < 1000; i++) {
    a.forge({ type: 0, seq: 0, ack: advance(before, i) }, world.now);
  }
  assert.equal(a.connection.sender.recovery.outstanding, before);
  assert.equal(a.connection.dropped.badAck, 999);
});

Deno.test("connection: a DESTROY that doesn't fit the stream is not believed", () => {
  const world = new Simulator({ delay: 10 }, { seqA: 5_000_000, seqB: 9_000_000 });
  const { a } = world;
  a.forge({ type: PacketType.DESTROY, seq: 0, ack: 5_000_000 }, 0);
  a.forge({ type: PacketType.DESTROY, seq: 9_000_000, ack: 0 }, 0);
  a.forge({ type: PacketType.DESTROY, seq: 9_000_000, ack: 5_000_001 }, 0);
  assert.equal(a.over, false);
  assert.equal(a.connection.dropped.outside, 3);
  a.forge({ type: PacketType.DESTROY, seq: 9_000_000, ack: 5_000_000 }, 0);
  assert.equal(a.error?.code, "ECONNRESET");
});
