import assert from "node:assert/strict";
import fc from "fast-check";
import {
  bitsOf,
  encodePieces,
  piecesOf,
  WINDOW,
} from "../../../../../lib/transports/holepunch/exchange/piece_set.ts";

Deno.test("holepunch piece sets: what was encoded is read", () => {
  fc.assert(fc.property(fc.nat(10_000), fc.uniqueArray(fc.nat(WINDOW - 1)), (first, offsets) => {
    const pieces = offsets.map((offset) => first + offset).toSorted((a, b) => a - b);
    const set = new Set(pieces);
    assert.deepEqual(piecesOf(bitsOf((piece) => set.has(piece), first, WINDOW), first), pieces);
    if (pieces.length === 0) return;
    const encoded = encodePieces(pieces);
    assert.ok(encoded.of.length <= WINDOW / 4);
    assert.deepEqual(piecesOf(Uint8Array.fromHex(encoded.of), encoded.first), pieces);
  }));
});

Deno.test("holepunch piece sets: the first piece is the highest bit", () => {
  assert.deepEqual(bitsOf((piece) => piece === 0 || piece === 9, 0, 10), Uint8Array.of(0x80, 0x40));
});
