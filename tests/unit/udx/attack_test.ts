/**
 * What a peer, or who can forge packets of one, does to a stream on purpose.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { BackendEvents } from "../../../lib/udx/backend.ts";
import { UDX } from "../../../lib/udx/mod.ts";
import { encodeHeader, HEADER_SIZE, PacketType, writeSack } from "../../../lib/udx/packet.ts";
import { RECEIVE_WINDOW } from "../../../lib/udx/receiver.ts";
import { advance } from "../../../lib/udx/sequence.ts";
import { type End, noise, Simulator } from "./simulator.ts";

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

Deno.test("attack: acknowledgements of what is still under way gain no more than the window", () => {
  const world = new Simulator({ delay: 100, drop: () => true });
  const { a } = world;
  a.connection.write([noise(40_000_000)], 0);
  for (let now = 1; now < 2000; now++) {
    world.now = now;
    const { next } = a.connection.sender.recovery;
    a.forge({ ack: next, window: 0xffffffff }, now);
    if (a.connection.deadline <= now) a.connection.onTimer(now);
    assert.ok(a.connection.sender.recovery.outstanding <= 8192);
  }
});

/** A stream, and what gives it packets, each in a batch of its own. */
function driven(): { stream: ReturnType<UDX["createStream"]>; give: (packet: Uint8Array) => void } {
  let events: BackendEvents | undefined;
  const udx = new UDX({
    backend: (options, given) => {
      events = given;
      const nothing = () => {};
      return {
        port: options.port || 1,
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
  const stream = udx.createStream(1);
  stream.connect(socket, 2, 2, "127.0.0.1");
  const give = (packet: Uint8Array) => {
    events!.datagram(packet, 2, "127.0.0.1", 4);
    events!.batchEnd();
  };
  return { stream, give };
}

Deno.test("attack: bytes that drip in one by one, unread, take bounded memory", () => {
  const { stream, give } = driven();
  const packet = new Uint8Array(HEADER_SIZE + 1);
  const header = { type: PacketType.DATA, offset: 0, stream: 1, window: 1 << 20, ack: 0 };
  for (let seq = 0; seq < 300_000; seq++) {
    encodeHeader(packet, { ...header, seq });
    give(packet);
  }
  const { buffered } = stream._readableState;
  // Each piece costs about 128 bytes more than its length.
  assert.ok(buffered * 129 < 2.1 * RECEIVE_WINDOW, `${buffered} pieces of one byte are kept`);
  assert.ok(stream.dropped.outside! > 0);
  stream.destroy();
});
