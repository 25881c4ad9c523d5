import assert from "node:assert/strict";
import fc from "fast-check";
import { MAX_MESSAGE, messageCheck } from "../../../../lib/transports/holepunch/message_limit.ts";

/** Encryption adds so many bytes. */
const TAG = 17;

/** Messages as they are on the wire, of these lengths. */
function wire(lengths: readonly number[]): Uint8Array {
  return new Uint8Array(
    lengths.flatMap((length) => [
      ...[length & 0xff, (length >> 8) & 0xff, length >> 16],
      ...new Array(length).fill(0xff),
    ]),
  );
}

const short = fc.oneof(fc.nat(300), fc.constant(MAX_MESSAGE + TAG));

Deno.test("message limit: short messages pass, however they are cut", () => {
  fc.assert(
    fc.property(fc.array(short, { maxLength: 6 }), fc.array(fc.nat(400_000)), (lengths, cuts) => {
      const check = messageCheck();
      const bytes = wire(lengths);
      let from = 0;
      for (const cut of [...cuts.sort((a, b) => a - b), bytes.length]) {
        assert.ok(check(bytes.subarray(from, cut)));
        from = Math.max(from, Math.min(cut, bytes.length));
      }
    }),
    { numRuns: 50 },
  );
});

Deno.test("message limit: a long one is found by its first three bytes, wherever it comes", () => {
  const long = fc.integer({ min: MAX_MESSAGE + TAG + 1, max: 0xffffff });
  fc.assert(
    fc.property(fc.array(short, { maxLength: 3 }), long, fc.nat(3), (lengths, length, cut) => {
      const check = messageCheck();
      const bytes = wire([...lengths, 0]);
      bytes.set([length & 0xff, (length >> 8) & 0xff, length >> 16], bytes.length - 3);
      const at = bytes.length - cut;
      const first = check(bytes.subarray(0, at));
      assert.equal(first, cut > 0);
      assert.equal(check(bytes.subarray(at)), false);
      assert.equal(check(wire([1])), false, "and stays so");
    }),
    { numRuns: 50 },
  );
});

Deno.test("message limit: 64 KiB, counted byte by byte", () => {
  assert.equal(MAX_MESSAGE, 65_536);
  const check = messageCheck();
  const bytes = wire([1, 2, 0, 3, 1, 0, 1]);
  for (const at of bytes.keys()) assert.ok(check(bytes.subarray(at, at + 1)), String(at));
  assert.ok(check(bytes));
  assert.ok(!check(Uint8Array.of(0x12, 0, 1))); // 65,554
});
