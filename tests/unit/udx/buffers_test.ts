import assert from "node:assert/strict";
import fc from "fast-check";
import { ReceiveBuffer } from "../../../lib/udx/receive_buffer.ts";
import { SendQueue } from "../../../lib/udx/send_queue.ts";
import { PacketList, PacketRing, SentPacket } from "../../../lib/udx/sent_packet.ts";
import { advance } from "../../../lib/udx/sequence.ts";
import { StreamOutput } from "../../../lib/udx/stream_output.ts";
import { WindowedFilter } from "../../../lib/udx/windowed_filter.ts";

Deno.test("receive buffer: blocks are the runs of what is there, across the wrap too", () => {
  fc.assert(fc.property(
    fc.integer({ min: 0, max: 0xffffffff }),
    fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { maxLength: 60 }),
    (base, offsets) => {
      const buffer = new ReceiveBuffer(1_000_000);
      for (const offset of offsets) {
        assert.ok(buffer.add(advance(base, offset), 1, Uint8Array.of(offset)));
        assert.equal(buffer.add(advance(base, offset), 1, Uint8Array.of(0)), false);
      }
      const there = new Set(offsets);
      const expected = [];
      for (let i = 1; i <= 60; i++) {
        if (!there.has(i)) continue;
        const start = i;
        while (there.has(i + 1)) i++;
        expected.push({ start: advance(base, start), end: advance(base, i + 1) });
      }
      assert.deepEqual(buffer.blocks, expected);
      for (let i = 1; i <= 60; i++) {
        const packet = buffer.take(advance(base, i));
        assert.deepEqual(packet?.payload, there.has(i) ? Uint8Array.of(i) : undefined);
      }
      assert.deepEqual([buffer.size, buffer.bytes, buffer.blocks.length], [0, 0, 0]);
    },
  ));
});

Deno.test("receive buffer: takes no more than its limit, and copies what it takes", () => {
  const buffer = new ReceiveBuffer(3 * (100 + 128));
  const payload = new Uint8Array(100).fill(1);
  for (let seq = 0; seq < 100; seq += 2) buffer.add(seq, 1, payload);
  payload.fill(2);
  assert.equal(buffer.size, 3);
  assert.deepEqual(buffer.take(0)?.payload, new Uint8Array(100).fill(1));
  assert.ok(buffer.add(50, 1, payload));
});

Deno.test("receive buffer: every second packet of a flood of empty ones is bounded", () => {
  const buffer = new ReceiveBuffer(100_000_000);
  for (let seq = 0; seq < 100_000; seq += 2) buffer.add(seq, 1, new Uint8Array(0));
  assert.equal(buffer.size, 2048);
});

Deno.test("send queue: gives back the bytes in order, in any pieces", () => {
  fc.assert(fc.property(
    fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 20 }),
    fc.array(fc.integer({ min: 0, max: 70 }), { maxLength: 40 }),
    (chunks, lengths) => {
      const queue = new SendQueue();
      for (const chunk of chunks) queue.push(chunk);
      const all = chunks.flatMap((chunk) => [...chunk]);
      const taken: number[] = [];
      for (const length of [...lengths, 5000]) {
        const target = new Uint8Array(5010);
        const n = queue.take(target, 3, length);
        assert.ok(n <= length);
        taken.push(...target.subarray(3, 3 + n));
      }
      assert.deepEqual(taken, all);
      assert.equal(queue.bytes, 0);
    },
  ));
});

Deno.test("sent packets: a ring finds them by number, a list keeps their order", () => {
  const route = { id: 1, host: "", port: 1, family: 4 } as const;
  const ring = new PacketRing();
  const list = new PacketList();
  const base = 0xffffffff - 50;
  const packets = Array.from(
    { length: 100 },
    (_, i) => new SentPacket(advance(base, i), new Uint8Array(0), 0, 0, route),
  );
  for (const packet of packets) {
    ring.set(packet);
    list.push(packet);
  }
  assert.ok(packets.every((packet) => ring.get(packet.seq) === packet));
  assert.equal(ring.get(advance(base, 100)), undefined);
  for (const packet of packets.filter((_, i) => i % 3 === 0)) {
    ring.delete(packet.seq);
    list.remove(packet);
  }
  const left = [];
  for (let p = list.first; p; p = p.next) left.push(p);
  assert.deepEqual(left, packets.filter((_, i) => i % 3 !== 0));
  assert.equal(list.last, left.at(-1));
  assert.equal(list.length, left.length);
  assert.ok(packets.every((p, i) => ring.get(p.seq) === (i % 3 === 0 ? undefined : p)));
});

Deno.test("stream output: what comes together is handed over together, and only once", () => {
  const pushed: (Uint8Array | null)[] = [];
  const output = new StreamOutput({
    push: (data) => {
      pushed.push(data && Uint8Array.from(data));
      return true;
    },
  });
  output.add(Uint8Array.of(1, 2));
  output.add(Uint8Array.of(3));
  assert.equal(output.pending, 3);
  output.flush();
  output.flush();
  output.add(new Uint8Array(100_000).fill(9));
  output.end();
  assert.deepEqual(pushed, [Uint8Array.of(1, 2, 3), new Uint8Array(100_000).fill(9), null]);
});

Deno.test("windowed filter: is never worse than the best of the window, and forgets", () => {
  fc.assert(fc.property(
    fc.array(fc.tuple(fc.integer({ min: 0, max: 10 }), fc.integer({ min: 1, max: 1000 })), {
      minLength: 1,
    }),
    (steps) => {
      const filter = new WindowedFilter(50, "max");
      let at = 0;
      const seen: { at: number; value: number }[] = [];
      for (const [elapsed, value] of steps) {
        at += elapsed;
        seen.push({ at, value });
        const best = filter.add(at, value);
        assert.ok(best >= value);
        assert.ok(seen.some((sample) => sample.value === best && at - sample.at <= 50));
      }
    },
  ));
});
