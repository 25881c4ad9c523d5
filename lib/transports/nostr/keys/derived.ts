/**
 * The Nostr key of those who have none: it comes of gtr's identity, so that a copy of `identity.pem`
 * is a copy of it too.
 *
 * @module
 */
import type { PublisherKey } from "../../../identity/keys.ts";

/** Order of secp256k1's group (SEC 2, section 2.4.1). */
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
/** 16 bytes more than the key has, so that the remainder is as good as uniform (RFC 9380, 5.1). */
const LENGTH = 48;

/** The 32-byte secret key that belongs to a publisher. */
export function derivedSecret(key: Pick<PublisherKey, "derive">): Uint8Array {
  const number = BigInt(`0x${key.derive("nostr secp256k1 key", LENGTH).toHex()}`);
  const scalar = number % (ORDER - 1n) + 1n;
  return Uint8Array.fromHex(scalar.toString(16).padStart(64, "0"));
}
