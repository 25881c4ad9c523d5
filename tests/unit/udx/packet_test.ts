import assert from "node:assert/strict";
import fc from "fast-check";
import {
  decodeHeader,
  encodeHeader,
  type Header,
  HEADER_SIZE,
  isPacket,
  MAX_SACK_BLOCKS,
  PacketType,
  payloadStart,
  refreshHeader,
  sackBlocks,
  sackEnd,
  sackStart,
  setStream,
  streamOf,
  writeSack,
} from "../../../lib/udx/packet.ts";
import { advance, distance } from "../../../lib/udx/sequence.ts";

const EMPTY: Header = { type: 0, offset: 0, stream: 0, window: 0, seq: 0, ack: 0 };
const byte = fc.integer({ min: 0, max: 255 });
const uint32 = fc.integer({ min: 0, max: 0xffffffff });

Deno.test("packet: a header is as libudx writes it", () => {
  const bytes = new Uint8Array(HEADER_SIZE);
  encodeHeader(bytes, {
    type: 1,
    offset: 2,
    stream: 0x04030201,
    window: 0x08070605,
    seq: 0x0c0b0a09,
    ack: 0x100f0e0d,
  });
  assert.deepEqual(
    [...bytes],
    [255, 1, 1, 2, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
  );
});

Deno.test("packet: what is encoded is decoded again", () => {
  fc.assert(fc.property(
    fc.record({
      type: byte,
      offset: byte,
      stream: uint32,
      window: uint32,
      seq: uint32,
      ack: uint32,
    }),
    (header) => {
      const bytes = new Uint8Array(HEADER_SIZE);
      encodeHeader(bytes, header);
      assert.ok(isPacket(bytes));
      assert.equal(streamOf(bytes), header.stream);
      assert.deepEqual(decodeHeader(bytes, { ...EMPTY }), { ...header });
      setStream(bytes, 7);
      refreshHeader(bytes, 8, 9);
      assert.deepEqual(decodeHeader(bytes, { ...EMPTY }), {
        ...header,
        stream: 7,
        window: 8,
        ack: 9,
      });
    },
  ));
});

Deno.test("packet: other bytes are not taken for packets", () => {
  for (const bytes of [[], [255], [255, 1, 0], new Array(20).fill(255), new Array(20).fill(1)]) {
    assert.equal(isPacket(Uint8Array.from(bytes)), false);
  }
});

Deno.test("packet: payload and SACK blocks never reach beyond the packet", () => {
  fc.assert(fc.property(fc.uint8Array({ minLength: HEADER_SIZE, maxLength: 1500 }), (bytes) => {
    const start = payloadStart(bytes);
    assert.ok(start === -1 || (start >= HEADER_SIZE && start <= bytes.length));
    const blocks = sackBlocks(bytes);
    assert.ok(blocks <= MAX_SACK_BLOCKS && HEADER_SIZE + 8 * blocks <= bytes.length);
  }));
});

Deno.test("packet: a header may be all there is, and its padding the rest", () => {
  const start = (length: number, offset: number) => {
    const bytes = new Uint8Array(length);
    encodeHeader(bytes, { ...EMPTY, offset });
    return payloadStart(bytes);
  };
  assert.equal(start(HEADER_SIZE, 0), HEADER_SIZE);
  assert.equal(start(HEADER_SIZE + 5, 5), HEADER_SIZE + 5);
  assert.equal(start(HEADER_SIZE + 4, 5), -1);
});

Deno.test("packet: types are libudx's bits, and 50 SACK blocks the most", () => {
  assert.deepEqual(PacketType, {
    DATA: 1,
    END: 2,
    SACK: 4,
    MESSAGE: 8,
    DESTROY: 16,
    HEARTBEAT: 32,
  });
  assert.equal(sackBlocks(new Uint8Array(HEADER_SIZE + 8 * 60)), 50);
  assert.equal(sackBlocks(new Uint8Array(HEADER_SIZE + 15)), 1);
});

Deno.test("packet: SACK blocks are read as written, with and without a payload after them", () => {
  const bytes = new Uint8Array(HEADER_SIZE + 16 + 5);
  encodeHeader(bytes, { ...EMPTY, type: 4, offset: 16 });
  writeSack(bytes, 0, 5, 8);
  writeSack(bytes, 1, 0xfffffff0, 3);
  assert.equal(sackBlocks(bytes), 2);
  assert.deepEqual([sackStart(bytes, 0), sackEnd(bytes, 0)], [5, 8]);
  assert.deepEqual([sackStart(bytes, 1), sackEnd(bytes, 1)], [0xfffffff0, 3]);
  assert.equal(payloadStart(bytes), HEADER_SIZE + 16);
  bytes[3] = 0;
  assert.equal(sackBlocks(bytes), 2);
  assert.equal(sackBlocks(new Uint8Array(1500)), MAX_SACK_BLOCKS);
});

Deno.test("sequence: distances hold across the wrap", () => {
  fc.assert(fc.property(uint32, fc.integer({ min: -0x7fffffff, max: 0x7fffffff }), (seq, n) => {
    assert.equal(distance(advance(seq, n), seq), n);
  }));
});
