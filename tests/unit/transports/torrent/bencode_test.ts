/** What a decoder of strangers' bytes takes, and where it stops. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { bencodedLength, decodeBencode } from "../../../../lib/transports/torrent/bencode.ts";

const text = (s: string) => new TextEncoder().encode(s);
const bytesOf = (value: unknown) => [...value as Uint8Array];

Deno.test("bencode: values as BEP 3 has them, and the offset behind them", () => {
  assert.deepEqual(decodeBencode(text("i-42etail")), { value: -42, end: 5 });
  assert.deepEqual(decodeBencode(text("l4:spami0eee")).value, [text("spam"), 0]);
  assert.deepEqual(decodeBencode(text("d1:ali1eee")), { value: new Map([["a", [1]]]), end: 10 });
  assert.deepEqual(decodeBencode(text("i1029384756e")).value, 1029384756);
  assert.deepEqual(decodeBencode(text("4:spam")), { value: text("spam"), end: 6 });
  assert.deepEqual(decodeBencode(text("0:")), { value: new Uint8Array(), end: 2 });
});

Deno.test("bencode: keys have a character for each byte, in whatever order they are", () => {
  const bytes = Uint8Array.of(...text("d1:zi1e1:"), 0x92, ...text("i2ee"));
  assert.deepEqual(decodeBencode(bytes).value, new Map([["z", 1], ["\u0092", 2]]));
  assert.deepEqual(bytesOf(decodeBencode(Uint8Array.of(0x31, 0x3a, 0xff)).value), [0xff]);
});

Deno.test("bencode: numbers that a double holds exactly, and no larger ones", () => {
  const most = Number.MAX_SAFE_INTEGER;
  assert.equal(decodeBencode(text(`i${most}e`)).value, most);
  assert.equal(decodeBencode(text(`i-${most}e`)).value, -most);
  assert.equal(bencodedLength(text(`i${most + 1}e`)), -1);
});

Deno.test("bencode: 32 levels are decoded, in lists and in dictionaries, and one more isn't", () => {
  for (const [open, close] of [["l", "e"], ["d1:a", "e"]] as const) {
    const nested = (levels: number) => text(`${open.repeat(levels)}i1e${close.repeat(levels)}`);
    assert.equal(bencodedLength(nested(32)), nested(32).length);
    assert.equal(bencodedLength(nested(33)), -1);
  }
});

Deno.test("bencode: what would make the bencode package loop, recurse or crash is refused", () => {
  const bad = [
    "",
    "l-3:",
    "-1:a",
    "5:abc",
    "i12",
    "ie",
    ":",
    "i-e",
    "i:e",
    "i/e",
    "i1.5e",
    "i99999999999999999999e",
    "d1:a",
    "d1:ai1e1:ai2ee",
    "di1ei2ee",
    "99999999999:a",
    "l".repeat(100_000),
    "x",
  ];
  for (const bytes of bad) assert.equal(bencodedLength(text(bytes)), -1, bytes.slice(0, 20));
});

Deno.test("bencode: any bytes are decoded or refused, never anything else", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
    assert.ok(bencodedLength(bytes) <= bytes.length);
  }));
});
