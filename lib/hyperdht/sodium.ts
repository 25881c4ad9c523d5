/**
 * sodium-javascript, with what the packages of Holepunch use and it lacks.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { ed25519 } from "@noble/curves/ed25519.js";
import javascript from "sodium-javascript";

/** libsodium's functions and constants, by libsodium's names. */
export type Sodium = Readonly<Record<string, unknown>>;

const { Point } = ed25519;
const BYTES = 32;

/**
 * `crypto_scalarmult_ed25519_noclamp`: multiplies a point by a scalar as it is. As in libsodium, the
 * point has to be in the prime-order group, and neither it nor the product may be the identity.
 *
 * @param product 32 bytes that take it
 * @throws {Error} for another point or scalar
 */
function scalarmultNoclamp(product: Uint8Array, scalar: Uint8Array, point: Uint8Array): void {
  const factor = Point.Fn.create(littleEndian(scalar));
  const base = Point.fromBytes(point);
  if (base.is0() || !base.isTorsionFree()) {
    throw new Error("can't multiply: not a point of order L");
  }
  // `multiply` refuses 0, whose product is the identity.
  product.set(base.multiply(factor).toBytes());
}

/** A scalar's 256 bits, of which libsodium ignores the highest one. */
function littleEndian(bytes: Uint8Array): bigint {
  const number = BigInt(`0x${Buffer.from(bytes).reverse().toString("hex")}`);
  return number & (1n << 255n) - 1n;
}

/** In the place of sodium-native. */
export const sodium: Sodium = {
  ...javascript,
  crypto_scalarmult_ed25519_BYTES: BYTES,
  crypto_scalarmult_ed25519_SCALARBYTES: BYTES,
  crypto_scalarmult_ed25519_noclamp: scalarmultNoclamp,
};
