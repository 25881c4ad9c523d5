/**
 * What the identity's key is used for. docs/security.md has the same in a table ("Keys"), and a test
 * compares the two with the code.
 *
 * @module
 */

/**
 * How a message begins that the identity's key signs, by use: its domain tag, or what the protocol of
 * a DHT begins with. No beginning is that of another, so a signature for one use is not valid for another.
 */
export const SIGNED = {
  manifest: "gtr-manifest-v1\0",
  nostrKey: "gtr-nostr-v1\0",
  httpsKey: "gtr-https-key-v1\0",
  liveKey: "gtr-live-key-v1\0",
  /** BEP 44 has no tag: an item with a salt, and one without. */
  dhtItem: "4:salt",
  dhtRecord: "3:seqi",
  /** HyperDHT's name for mutable records, 32 bytes: a hash of "hyperswarm/dht" and the command. */
  hyperdhtRecord: Uint8Array
    .fromHex("668e823edd5ce7f5338d68bf1161f4a3c28ce437ee2ab49efd30d99366039b1e"),
} as const;
/** One of them. */
export type SignedUse = keyof typeof SIGNED;

/** What bytes are derived from the identity's key for: the `info` of HKDF. */
export const DERIVED = [
  "holepunch-node-v1",
  "holepunch-relay-v1",
  "https-v1",
  "nostr secp256k1 key",
  "port-mapping-v1",
] as const;
/** One of them. */
export type DerivedUse = typeof DERIVED[number];

/** The bytes with which every message for a use begins. */
export function beginning(use: SignedUse): Uint8Array {
  const tag = SIGNED[use];
  return typeof tag === "string" ? new TextEncoder().encode(tag) : tag;
}

/** Whether a message is for that use. */
export function isFor(use: SignedUse, message: Uint8Array): boolean {
  return beginning(use).every((byte, i) => message[i] === byte);
}
