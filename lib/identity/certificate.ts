/**
 * Self-signed certificates of ed25519 keys (RFC 5280, RFC 8410), for TLS. The keys are made or derived
 * for TLS, as it signs bytes that strangers choose. An identity vouches for a key by a statement,
 * which can be in the certificate.
 *
 * A name or a date in them says nothing: who connects looks at the key and the statement.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { sign, X509Certificate } from "node:crypto";
import { keyFromSeed, privateKeyOf, type PublisherKey, verifySignature } from "./keys.ts";
import { beginning } from "./uses.ts";

/** What TLS is given: PEM texts. */
export interface TlsIdentity {
  readonly cert: string;
  readonly key: string;
}

/** What a key is for that an identity vouches for. */
export type VouchedUse = "httpsKey" | "liveKey";

const NAME = "gtr";
/** DER before the raw key (RFC 8410, section 4). */
const SPKI_PREFIX = "302a300506032b6570032100";
const ED25519 = sequence(hex("06032b6570"));
/** By this URI among a certificate's names an identity's key vouches for the certificate's. */
const VOUCHER = /gtr-key:([0-9a-f]{64}):([0-9a-f]{128})/;
const KEY_BYTES = 32;

/** The signature by which an identity says that a TLS key of 32 bytes is its own. */
export function vouch(
  use: VouchedUse,
  identity: Pick<PublisherKey, "sign">,
  tlsKey: Uint8Array,
): Uint8Array {
  return identity.sign(use, statement(use, tlsKey));
}

/** Whether that is the signature of such a statement by `publicKey`. */
export function isVouched(
  use: VouchedUse,
  publicKey: Uint8Array,
  tlsKey: Uint8Array,
  signature: Uint8Array,
): boolean {
  return verifySignature(publicKey, statement(use, tlsKey), signature);
}

/**
 * A certificate of the key with this seed, signed with itself.
 *
 * @param seed 32 bytes, of no identity's key
 * @param uri one more name in it
 */
export function selfSigned(seed: Uint8Array, uri?: string): TlsIdentity {
  const key = privateKeyOf(seed);
  const name = sequence(der(0x31, sequence(hex("0603550403"), der(0x0c, text(NAME)))));
  const validity = sequence(der(0x17, text("200101000000Z")), der(0x18, text("20991231235959Z")));
  const names = [der(0x82, text(NAME)), ...(uri === undefined ? [] : [der(0x86, text(uri))])];
  const alternativeName = sequence(hex("0603551d11"), der(0x04, sequence(...names)));
  const certificate = sequence(
    der(0xa0, der(0x02, hex("02"))), // version 3
    der(0x02, hex("01")), // serial number
    ED25519,
    name,
    validity,
    name,
    Buffer.concat([hex(SPKI_PREFIX), keyFromSeed(seed).publicKey]),
    der(0xa3, sequence(alternativeName)),
  );
  const signature = der(0x03, hex("00"), sign(null, certificate, key));
  const body = sequence(certificate, ED25519, signature).toString("base64");
  const lines = body.match(/.{1,64}/g)!.join("\n");
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    key: key.export({ type: "pkcs8", format: "pem" }) as string,
  };
}

/**
 * The certificate of the identity's https server: of a key that is derived, and with a statement of
 * the identity. The same identity gives the same bytes.
 */
export function httpsCertificate(identity: PublisherKey): TlsIdentity {
  const seed = identity.derive("https-v1", KEY_BYTES);
  const signature = vouch("httpsKey", identity, keyFromSeed(seed).publicKey);
  return selfSigned(seed, `gtr-key:${identity.publicKeyHex}:${signature.toHex()}`);
}

/**
 * The ed25519 key of a peer's certificate in hex; undefined where there is none. It is parsed, not
 * searched for: any text in a certificate can be made to look like a key.
 *
 * @param certificate DER
 */
export function certifiedKey(certificate: Uint8Array | undefined): string | undefined {
  try {
    const { publicKey } = new X509Certificate(Buffer.from(certificate ?? []));
    const spki = publicKey.export({ type: "spki", format: "der" }).toString("hex");
    return spki.startsWith(SPKI_PREFIX) ? spki.slice(SPKI_PREFIX.length) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The public key, in hex, of the identity that vouches for an https server's certificate; undefined
 * if there is none.
 *
 * @param certificate DER
 */
export function voucherOf(certificate: Uint8Array | undefined): string | undefined {
  const tlsKey = certifiedKey(certificate);
  if (tlsKey === undefined) return undefined;
  // Wherever it stands: the statement says of which key it is, and is signed.
  const [, publicKey, signature] = VOUCHER.exec(Buffer.from(certificate!).toString("latin1")) ?? [];
  if (publicKey === undefined || signature === undefined) return undefined;
  const [by, key, proof] = [publicKey, tlsKey, signature].map((hex) => Uint8Array.fromHex(hex));
  return isVouched("httpsKey", by!, key!, proof!) ? publicKey : undefined;
}

/** Tag, length, content (X.690, 8.1); nothing here is longer than 65,535 bytes. */
function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const n = content.length;
  const length = n < 128 ? [n] : n < 256 ? [0x81, n] : [0x82, n >> 8, n & 255];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}

function statement(use: VouchedUse, tlsKey: Uint8Array): Uint8Array {
  return Buffer.concat([beginning(use), tlsKey]);
}

function sequence(...parts: readonly Uint8Array[]): Buffer {
  return der(0x30, ...parts);
}

function hex(digits: string): Buffer {
  return Buffer.from(digits, "hex");
}

function text(value: string): Buffer {
  return Buffer.from(value);
}
