/**
 * Self-signed certificates of ed25519 keys (RFC 5280, RFC 8410), for TLS.
 *
 * A name or a date in them says nothing: who connects compares the key with the one in the address.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { X509Certificate } from "node:crypto";
import type { PublisherKey } from "./keys.ts";

/** What TLS is given: PEM texts. */
export interface TlsIdentity {
  readonly cert: string;
  readonly key: string;
}

const NAME = "gtr";
/** DER before the raw key (RFC 8410, section 4). */
const SPKI_PREFIX = "302a300506032b6570032100";
const ED25519 = sequence(hex("06032b6570"));

/** A certificate of `key`, signed with itself. The same key gives the same bytes. */
export function selfSigned(key: PublisherKey): TlsIdentity {
  const name = sequence(der(0x31, sequence(hex("0603550403"), der(0x0c, text(NAME)))));
  const validity = sequence(der(0x17, text("200101000000Z")), der(0x18, text("20991231235959Z")));
  const alternativeName = sequence(hex("0603551d11"), der(0x04, sequence(der(0x82, text(NAME)))));
  const certificate = sequence(
    der(0xa0, der(0x02, hex("02"))), // version 3
    der(0x02, hex("01")), // serial number
    ED25519,
    name,
    validity,
    name,
    Buffer.concat([hex(SPKI_PREFIX), key.publicKey]),
    der(0xa3, sequence(alternativeName)),
  );
  const signature = der(0x03, hex("00"), key.sign(certificate));
  const body = sequence(certificate, ED25519, signature).toString("base64");
  const lines = body.match(/.{1,64}/g)!.join("\n");
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    key: key.privatePem(),
  };
}

/**
 * The ed25519 key of a peer's certificate in hex; undefined where there is none. It is parsed, not
 * searched for: any text in a certificate can be made to look like a key.
 *
 * @param certificate DER
 */
export function certifiedKey(certificate: Uint8Array | undefined): string | undefined {
  if (!certificate?.length) return undefined;
  try {
    const { publicKey } = new X509Certificate(Buffer.from(certificate));
    if (publicKey.asymmetricKeyType !== "ed25519") return undefined;
    const spki = publicKey.export({ type: "spki", format: "der" }).toString("hex");
    return spki.startsWith(SPKI_PREFIX) ? spki.slice(SPKI_PREFIX.length) : undefined;
  } catch {
    return undefined;
  }
}

/** Tag, length, content (X.690, 8.1); nothing here is longer than 65,535 bytes. */
function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const n = content.length;
  const length = n < 128 ? [n] : n < 256 ? [0x81, n] : [0x82, n >> 8, n & 255];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
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
