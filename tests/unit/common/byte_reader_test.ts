import assert from "node:assert/strict";
import { ByteReader } from "../../../lib/common/byte_reader.ts";
import { VerificationError } from "../../../lib/common/errors.ts";

/** A stream of these chunks. */
function chunks(all: Iterable<Uint8Array>): ReadableStream<Uint8Array> {
  return ReadableStream.from(all);
}

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

Deno.test("byte reader: a line, so many bytes, and the rest, however they were cut", async () => {
  const all = new TextEncoder().encode("hello\nmanifest and the rest");
  for (const size of [1, 2, 7, 100]) {
    const parts = Array.from(
      { length: Math.ceil(all.length / size) },
      (_, i) => all.slice(i * size, (i + 1) * size),
    );
    const reader = new ByteReader(chunks(parts));
    assert.equal(text(await reader.line(5)), "hello");
    assert.equal(text(await reader.bytes(8)), "manifest");
    assert.deepEqual(await reader.bytes(0), new Uint8Array(0));
    assert.equal(await new Response(reader.rest()).text(), " and the rest");
  }
});

Deno.test("byte reader: lines that are too long, and what is cut off, are refused", async () => {
  const wrong = { name: VerificationError.name, code: "bad-hello" };
  const bytes = new TextEncoder().encode("hello\nabc");
  await assert.rejects(new ByteReader(chunks([bytes])).line(4), wrong);
  await assert.rejects(new ByteReader(chunks([new Uint8Array(6)])).line(5), wrong);
  await assert.rejects(new ByteReader(chunks([bytes])).bytes(20), wrong);
});

Deno.test("byte reader: bytes that drip in one by one take no more memory than they are", async () => {
  const count = 1_000_000;
  const drip = function* () {
    for (let i = 0; i < count; i++) yield Uint8Array.of(i);
  };
  const before = Deno.memoryUsage().rss;
  const bytes = await new ByteReader(chunks(drip())).bytes(count);
  const grown = Deno.memoryUsage().rss - before;
  assert.ok(bytes.every((byte, i) => byte === i % 256));
  assert.ok(grown < 150_000_000, `${grown} bytes for ${count}`);
});
