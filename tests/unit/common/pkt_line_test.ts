import assert from "node:assert/strict";
import fc from "fast-check";
import { GtrError } from "../../../lib/common/errors.ts";
import { packetOf, PacketReader, textOf } from "../../../lib/common/pkt_line.ts";

/** The bytes in chunks that end at `cuts`. */
function stream(bytes: Uint8Array, cuts: readonly number[] = []): ReadableStream<Uint8Array> {
  const ends = [...cuts, bytes.length].map((cut) => Math.min(cut, bytes.length)).sort((a, b) =>
    a - b
  );
  let at = 0;
  return ReadableStream.from(ends.flatMap((end) => {
    const chunk = bytes.slice(at, end);
    at = end;
    return chunk.length > 0 ? [chunk] : [];
  }));
}

async function readAll(reader: PacketReader) {
  const found: { kind: string; content: string }[] = [];
  const raw: number[] = [];
  for (let packet = await reader.next(); packet; packet = await reader.next()) {
    found.push({ kind: packet.kind, content: packet.content.toHex() });
    raw.push(...packet.raw);
  }
  return { found, raw: new Uint8Array(raw) };
}

const marks = { flush: "0000", delimiter: "0001", end: "0002" } as const;
const packet = fc.oneof(
  fc.constantFrom(...(Object.keys(marks) as (keyof typeof marks)[])).map((kind) => ({
    kind: kind as string,
    content: "",
    raw: marks[kind],
  })),
  fc.uint8Array({ maxLength: 300 }).map((content) => ({
    kind: "data",
    content: content.toHex(),
    raw: (content.length + 4).toString(16).padStart(4, "0") + String.fromCharCode(...content),
  })),
);

Deno.test("packets are what they were, however the stream is cut", () =>
  fc.assert(fc.asyncProperty(
    fc.array(packet, { maxLength: 20 }),
    fc.array(fc.nat(3000), { maxLength: 20 }),
    async (packets, cuts) => {
      const text = packets.map(({ raw }) => raw).join("");
      const bytes = Uint8Array.from(text, (c) => c.charCodeAt(0));
      const { found, raw } = await readAll(new PacketReader(stream(bytes, cuts)));
      assert.deepEqual(found, packets.map(({ kind, content }) => ({ kind, content })));
      assert.deepEqual(raw, bytes);
    },
  )));

Deno.test("any bytes are packets or a bad packet", () =>
  fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
    try {
      const { raw } = await readAll(new PacketReader(stream(bytes)));
      assert.deepEqual(raw, bytes);
    } catch (error) {
      assert.ok(error instanceof GtrError, String(error));
      assert.ok(["bad-packet", "stream-cut"].includes(error.code), String(error));
    }
  })));

Deno.test("lengths that are none, and packets cut off", async () => {
  for (
    const [code, texts] of [
      ["bad-packet", ["0003", "fff1", "zzzz", "-001", "ffff"]],
      ["stream-cut", ["00", "0006a"]],
    ] as const
  ) {
    for (const text of texts) {
      const reader = new PacketReader(stream(new TextEncoder().encode(text)));
      await assert.rejects(reader.next(), { code }, text);
    }
  }
});

Deno.test("text goes both ways", async () => {
  const packet = await new PacketReader(stream(packetOf("version 2\n"))).next();
  assert.equal(textOf(packet!), "version 2");
  assert.throws(() => packetOf("x".repeat(65517)), RangeError);
});
