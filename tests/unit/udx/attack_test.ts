/**
 * What a peer, or who can forge packets of one, does to a stream on purpose.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { BackendEvents } from "../../../lib/udx/backend.ts";
import { UDX, type UDXStream } from "../../../lib/udx/mod.ts";
import {
  encodeHeader,
  HEADER_SIZE,
  PacketType,
  writeSack,
  writeUint32,
} from "../../../lib/udx/packet.ts";
import { CROWDED_WINDOW, RECEIVE_WINDOW } from "../../../lib/udx/receiver.ts";
import { advance } from "../../../lib/udx/sequence.ts";
import { type End, mulberry32, noise, Simulator } from "./simulator.ts";

/** The bytes of SACK blocks. */
function blocks(...pairs: [start: number, end: number][]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEADER_SIZE + 8 * pairs.length);
  pairs.forEach(([start, end], i) => writeSack(bytes, i, start, end));
  return bytes.subarray(HEADER_SIZE);
}

/** Acknowledges by blocks what `to` has sent, from the packet after `skip` of the oldest ones on. */
function sackAll(to: End, now: number, skip: number): void {
  const { oldest, next } = to.connection.sender.recovery;
  to.forge({ type: PacketType.SACK, ack: oldest }, now, blocks([advance(oldest, skip), next]));
}

Deno.test("attack: who acknowledges everything by SACK only, and goes, is given up", () => {
  for (const skip of [0, 1]) {
    const world = new Simulator({ delay: 10, drop: () => true });
    const { a } = world;
    a.connection.write([noise(5000)], 0);
    world.pass(15);
    sackAll(a, world.now, skip);
    world.run(() => a.over, 30_000);
    assert.equal(a.error?.code, "ETIMEDOUT");
  }
});

Deno.test("attack: a closed window of a packet from nowhere doesn't stop a stream for good", () => {
  const world = new Simulator({ delay: 10 }, { seqB: 1000 });
  const { a, b } = world;
  a.forge({ seq: advance(1000, 2 ** 30), ack: 0, window: 0 }, 0);
  assert.equal(a.connection.dropped.outside, 1);
  a.connection.write([noise(50_000)], 0);
  a.connection.end(0);
  world.run(() => b.ended, 1000);
});

Deno.test("attack: a window without bounds doesn't make a sender keep packets without bounds", () => {
  const world = new Simulator({
    delay: 500,
    drop: (packet, from) => {
      if (from === "b") writeUint32(packet, 8, 0xffffffff);
      return false;
    },
  });
  const { a } = world;
  const { recovery } = a.connection.sender;
  a.connection.write([new Uint8Array(100_000_000)], 0);
  let most = 0;
  world.run(() => (most = Math.max(most, recovery.outstanding)) > 8192 || world.now > 15_000);
  assert.equal(most, 8192);
});

/** A socket with connected streams, numbered from 1 on, and what gives it packets, one in a batch. */
function driven(count: number): { streams: UDXStream[]; give: (packet: Uint8Array) => void } {
  let events: BackendEvents | undefined;
  const udx = new UDX({
    backend: (options, given) => {
      events = given;
      const nothing = () => {};
      return {
        port: options.port,
        send: nothing,
        setTTL: nothing,
        receiveBuffer: 1 << 24,
        sendBuffer: 1 << 24,
        membership: nothing,
        close: queueMicrotask,
      };
    },
  });
  const socket = udx.createSocket();
  socket.bind(1, "127.0.0.1");
  const streams = Array.from({ length: count }, (_, i) => {
    const stream = udx.createStream(i + 1);
    stream.on("error", () => {});
    stream.connect(socket, 1000 + i, 2, "127.0.0.1");
    return stream;
  });
  const give = (packet: Uint8Array) => {
    events!.datagram(packet, 2, "127.0.0.1", 4);
    events!.batchEnd();
  };
  return { streams, give };
}

Deno.test("attack: a million packets of chance take no memory of a socket with streams", async () => {
  const { streams, give } = driven(20);
  const { udx } = streams[0]!;
  const random = mulberry32(3);
  const below = (n: number) => Math.floor(random() * n);
  const bytes = new Uint8Array(1500);
  const before = Deno.memoryUsage().rss;
  for (let i = 0; i < 1_000_000; i++) {
    for (let at = 20; at < 60; at += 4) writeUint32(bytes, at, below(2 ** 32));
    encodeHeader(bytes, {
      type: below(256) & (below(50_000) ? ~(PacketType.DESTROY | PacketType.END) : 255),
      offset: below(3) ? 0 : below(256),
      stream: below(40), // half of them aren't there
      window: below(2 ** 32),
      seq: below(2) ? below(200) : below(2 ** 32),
      ack: below(2) ? 0 : below(2 ** 32),
    });
    if (below(20) === 0) bytes[below(2)] = below(256);
    give(bytes.subarray(0, below(20) ? 20 + below(80) : below(1500)));
    if (i % 1000 === 0) await new Promise((resolve) => setImmediate(resolve)); // what is over goes
  }
  const grown = Deno.memoryUsage().rss - before;
  assert.ok(grown < 200_000_000, `${grown} bytes`);
  assert.equal(udx.lingering.size, 0);
  for (const stream of streams) stream.destroy();
});

for (const [what, first] of [["before its turn", 1], ["unread", 0]] as const) {
  Deno.test(`attack: many streams together are sent bounded memory, ${what}`, () => {
    const { streams: [honest, ...others], give } = driven(41);
    const packet = new Uint8Array(1400);
    const send = (stream: UDXStream, seq: number) => {
      const header = { type: PacketType.DATA, offset: 0, window: 1 << 20, seq, ack: 0 };
      encodeHeader(packet, { ...header, stream: stream.id });
      give(packet);
    };
    const before = Deno.memoryUsage().rss;
    for (const stream of others) {
      for (let i = 0; i < 2 * RECEIVE_WINDOW / 1400; i++) send(stream, first + i);
    }
    const { udx } = honest!;
    const grown = Deno.memoryUsage().rss - before;
    assert.ok(grown < 150_000_000, `${grown} bytes`);
    assert.ok(udx.held < 64 * 1024 * 1024 + 41 * 2 * CROWDED_WINDOW, `${udx.held} bytes`);
    for (const seq of [1, 2, 0]) send(honest!, seq);
    assert.equal(honest!._readableState.buffered, 3 * (1400 - HEADER_SIZE));
    for (const stream of [honest!, ...others]) stream.destroy();
    assert.equal(udx.held, 0);
  });
}

Deno.test("attack: what has to do with little memory arrives all the same", () => {
  const world = new Simulator({ delay: 10, jitter: 5, loss: 0.01 });
  const { a, b } = world;
  b.crowded = b.stalled = true;
  a.connection.write([noise(3_000_000)], 0);
  a.connection.end(0);
  world.pass(2_000);
  assert.ok(b.bytes > CROWDED_WINDOW / 2 && b.bytes < 2 * CROWDED_WINDOW, `${b.bytes} bytes`);
  b.resume();
  world.run(() => b.ended, 10_000);
  assert.equal(b.bytes, 3_000_000);
});

Deno.test("attack: bytes that drip in one by one, unread, take bounded memory", () => {
  const { streams: [stream], give } = driven(1);
  const packet = new Uint8Array(HEADER_SIZE + 1);
  const header = { type: PacketType.DATA, offset: 0, stream: 1, window: 1 << 20, ack: 0 };
  for (let seq = 0; seq < 300_000; seq++) {
    encodeHeader(packet, { ...header, seq });
    give(packet);
  }
  const { buffered } = stream!._readableState;
  // Each piece costs about 128 bytes more than its length.
  assert.ok(buffered * 129 < 2.1 * RECEIVE_WINDOW, `${buffered} pieces of one byte are kept`);
  assert.ok(stream!.dropped.outside! > 0);
  stream!.destroy();
});
