import assert from "node:assert/strict";
import fc from "fast-check";
import { VerificationError } from "../../../../../lib/common/errors.ts";
import { MAX_ENVELOPE_BYTES } from "../../../../../lib/manifest/envelope.ts";
import { ByteReader } from "../../../../../lib/common/byte_reader.ts";
import {
  decodeAnswer,
  decodeWanted,
  encodeHello,
  MAX_HELLO,
} from "../../../../../lib/transports/torrent/live/hello.ts";

const WANTED = { version: 1, publisher: "ab".repeat(32), name: "hello", sequence: 7 } as const;
const bytes = (text: string) => new TextEncoder().encode(text);
const line = (hello: Parameters<typeof encodeHello>[0]) => encodeHello(hello).slice(0, -1);
const isBad = (error: unknown) => error instanceof VerificationError && error.code === "bad-hello";

Deno.test("hellos go both ways, and the longest fits", () => {
  for (const wanted of [WANTED, { ...WANTED, sequence: 0 }]) {
    assert.deepEqual(decodeWanted(line(wanted)), wanted);
  }
  for (
    const answer of [
      { version: 1, manifest: 1 },
      { version: 1, manifest: MAX_ENVELOPE_BYTES, proof: "ab".repeat(64) },
      { version: 1, refused: "unknown" },
      { version: 1, refused: "older" },
      { version: 1, refused: "busy" },
    ] as const
  ) {
    assert.deepEqual(decodeAnswer(line(answer)), answer);
  }
  const longest = { ...WANTED, name: "n".repeat(64), sequence: Number.MAX_SAFE_INTEGER };
  assert.ok(line(longest).length <= MAX_HELLO);
  assert.equal(MAX_HELLO, 512, "as in docs/protocol.md");
});

Deno.test("wrong hellos are refused", () => {
  const wrong: Record<string, unknown>[] = [
    { ...WANTED, version: 2 },
    { ...WANTED, publisher: "AB".repeat(32) },
    { ...WANTED, publisher: "ab" },
    { ...WANTED, name: "../up" },
    { ...WANTED, name: "" },
    { ...WANTED, sequence: -1 },
    { ...WANTED, sequence: 1.5 },
    { ...WANTED, sequence: "7" },
    { ...WANTED, sequence: 2 ** 53 },
  ];
  for (const hello of wrong) {
    assert.throws(() => decodeWanted(bytes(JSON.stringify(hello))), isBad, JSON.stringify(hello));
  }
  for (
    const answer of [{}, { manifest: 1 }, { version: 1, manifest: 0 }, {
      version: 1,
      manifest: MAX_ENVELOPE_BYTES + 1,
    }, {
      version: 1,
      manifest: 1,
      proof: "ab",
    }, {
      version: 1,
      refused: "\x1b[31m",
    }]
  ) {
    assert.throws(() => decodeAnswer(bytes(JSON.stringify(answer))), isBad, JSON.stringify(answer));
  }
});

Deno.test("a line that is not UTF-8 is no hello", () => {
  const odd = bytes(JSON.stringify({ ...WANTED, more: "?" }));
  assert.deepEqual(decodeWanted(odd), WANTED);
  assert.throws(() => decodeWanted(odd.map((byte) => byte === 0x3f ? 0xff : byte)), isBad);
});

Deno.test("any bytes are a hello or a bad one", () =>
  fc.assert(fc.property(fc.oneof(fc.uint8Array(), fc.json().map(bytes)), (input) => {
    for (const decode of [decodeWanted, decodeAnswer]) {
      try {
        assert.equal(decode(input).version, 1);
      } catch (error) {
        assert.ok(isBad(error), String(error));
      }
    }
  })));

Deno.test("a line, bytes, the rest, however they come", () =>
  fc.assert(fc.asyncProperty(
    fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 30 }),
    async (sizes) => {
      const all = bytes("first line\n0123456789the rest");
      const chunks: Uint8Array[] = [];
      for (let at = 0, i = 0; at < all.length; i++) {
        chunks.push(all.slice(at, at += sizes[i % sizes.length]!));
      }
      const reader = new ByteReader(ReadableStream.from(chunks));
      const text = (part: Uint8Array) => new TextDecoder().decode(part);
      assert.equal(text(await reader.line(10)), "first line");
      assert.equal(text(await reader.bytes(10)), "0123456789");
      assert.equal(await new Response(reader.rest()).text(), "the rest");
    },
  )));

Deno.test("a line that is too long or never ends", async () => {
  const endless = () => ReadableStream.from([bytes("a".repeat(11)), bytes("\n")]);
  await assert.rejects(new ByteReader(endless()).line(10), isBad);
  await assert.rejects(new ByteReader(ReadableStream.from([bytes("abc")])).line(10), isBad);
  await assert.rejects(new ByteReader(ReadableStream.from([bytes("abc")])).bytes(4), isBad);
});
