/**
 * libsodium in JavaScript against the native one.
 *
 * @module
 */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import native from "sodium-native";
import { sodium } from "../../../lib/hyperdht/sodium.ts";

type Multiply = (product: Uint8Array, scalar: Uint8Array, point: Uint8Array) => void;
const multiply = sodium.crypto_scalarmult_ed25519_noclamp as Multiply;

function keyOf(seed: Uint8Array): Buffer {
  const key = Buffer.alloc(32);
  native.crypto_sign_seed_keypair(key, Buffer.alloc(64), Buffer.from(seed));
  return key;
}

const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });

Deno.test("sodium: multiplies points as libsodium does", () => {
  fc.assert(
    fc.property(bytes32, bytes32, fc.boolean(), (seed, scalar, clamp) => {
      if (clamp) scalar.set([scalar[31]! & 127 | 64], 31);
      const point = keyOf(seed);
      const expected = Buffer.alloc(32);
      const product = Buffer.alloc(32);
      native.crypto_scalarmult_ed25519_noclamp(expected, Buffer.from(scalar), point);
      multiply(product, scalar, point);
      assert.deepEqual(product, expected);
    }),
    { numRuns: 50 },
  );
});

Deno.test("sodium: refuses the points and scalars that libsodium refuses", () => {
  const point = keyOf(new Uint8Array(32));
  const two = Buffer.from([2, ...new Uint8Array(31)]);
  const refused: [string, Buffer, Buffer][] = [
    ["the identity", two, Buffer.from([1, ...new Uint8Array(31)])],
    ["a point of order 4", two, Buffer.alloc(32)],
    ["no point", two, Buffer.alloc(32, 0xff)],
    ["0", Buffer.alloc(32), point],
  ];
  for (const [what, scalar, base] of refused) {
    for (const made of [native.crypto_scalarmult_ed25519_noclamp as Multiply, multiply]) {
      assert.throws(() => made(Buffer.alloc(32), scalar, base), Error, what);
    }
  }
});
