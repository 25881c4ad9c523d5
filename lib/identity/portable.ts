/**
 * ed25519 (RFC 8032) where there is no node:crypto, as in a web page. Same bytes as `keys.ts`.
 *
 * @module
 */
import * as ed from "@noble/ed25519";

/** The 32-byte public key of a 32-byte seed. */
export function publicKeyOf(seed: Uint8Array): Promise<Uint8Array> {
  return ed.getPublicKeyAsync(seed);
}

/** The 64-byte signature of `message` by the key pair of a 32-byte seed. */
export function sign(seed: Uint8Array, message: Uint8Array): Promise<Uint8Array> {
  return ed.signAsync(message, seed);
}

/** Whether `signature` is that of `message` by `publicKey`. Wrong lengths and points are false. */
export async function verify(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  if (publicKey.length !== 32 || signature.length !== 64) return false;
  try {
    // The strict rules of RFC 8032, which node:crypto follows, not the laxer ones of ZIP 215.
    return await ed.verifyAsync(signature, message, publicKey, { zip215: false });
  } catch {
    return false; // bytes that are no point of the curve
  }
}
