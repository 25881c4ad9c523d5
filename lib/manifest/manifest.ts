/**
 * Signing and verifying manifests.
 *
 * A signature is over the domain tag `gtr-manifest-v1` and a zero byte, then the canonical JSON of the
 * manifest. Bytes that are not canonical are refused, so one manifest has one form everywhere.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { VerificationError } from "../common/errors.ts";
import { canonicalJson, isPlainObject } from "./canonical_json.ts";
import { manifestFault, MAX_MANIFEST_BYTES } from "./schema.ts";
import type { Manifest, SignedManifest } from "./types.ts";

/** What signs a manifest: identity's `PublisherKey` is one. */
export interface ManifestSigner {
  readonly publicKeyHex: string;
  sign(use: "manifest", message: Uint8Array): Uint8Array;
}

/** Checks an ed25519 signature without ever throwing: identity's `verifySignature` is one. */
export type VerifySignature = (
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
) => boolean;

/** Whose manifest, of which repository, is wanted. What is left out may be anything. */
export interface ExpectedManifest {
  /** SHA-1 of the publisher's key, 40 lower-case hex digits. */
  readonly id?: string;
  /** The publisher's key, 64 lower-case hex digits. */
  readonly publicKey?: string;
  readonly name?: string;
}

/**
 * Verifies a manifest as {@linkcode verifyManifest} does: a network is given one, so that all of them
 * share what was verified already.
 *
 * @throws {VerificationError} as {@linkcode verifyManifest}
 */
export type OpenManifest = (
  envelope: Pick<SignedManifest, "bytes" | "signature">,
  expected: ExpectedManifest,
) => SignedManifest;

/** Keeps a signature of a manifest from being one of anything else. */
const DOMAIN = new TextEncoder().encode("gtr-manifest-v1\0");

/**
 * Returns `value` as a manifest where it is one, unknown fields included.
 *
 * @throws {VerificationError} "bad-manifest" that says what is wrong with it
 */
export function validateManifest(value: unknown): Manifest {
  const fault = manifestFault(value);
  if (fault) throw badManifest(fault);
  return value as Manifest;
}

/**
 * Signs a manifest with its publisher's key.
 *
 * @throws {VerificationError} "bad-manifest", "oversized-manifest", or "wrong-key" where `key` is not
 * that of `manifest.publisher`
 */
export function signManifest(manifest: Manifest, key: ManifestSigner): SignedManifest {
  validateManifest(manifest);
  if (manifest.publisher !== key.publicKeyHex) {
    throw new VerificationError(
      "wrong-key",
      `can't sign the manifest of ${manifest.name}: its publisher has another key`,
    );
  }
  const bytes = canonicalBytes(manifest);
  checkSize(bytes);
  return { manifest, bytes, signature: key.sign("manifest", signedMessage(bytes)) };
}

/**
 * Checks bytes from outside: size, publisher, signature, canonical form, content, name; in this order,
 * so that a stranger's bytes cost least.
 *
 * @param bytes the canonical JSON
 * @param signature 64 bytes
 * @throws {VerificationError} "oversized-manifest", "bad-manifest", "wrong-key", "bad-signature" or
 * "wrong-name"
 */
export function verifyManifest(
  bytes: Uint8Array,
  signature: Uint8Array,
  expect: ExpectedManifest,
  verify: VerifySignature,
): SignedManifest {
  checkSize(bytes);
  const { text, value } = parse(bytes);
  const publicKey = publisherOf(value);
  const id = createHash("sha1").update(publicKey).digest("hex");
  if (
    (expect.publicKey !== undefined && expect.publicKey !== publicKey.toHex()) ||
    (expect.id !== undefined && expect.id !== id)
  ) {
    throw new VerificationError("wrong-key", `can't use a manifest: its publisher is ${id}`, {
      hint: "the answer came from somebody who is not the publisher; ask again",
    });
  }
  if (!verify(publicKey, signedMessage(bytes), signature)) {
    throw new VerificationError("bad-signature", "can't use a manifest: its signature is wrong");
  }
  if (canonicalText(value) !== text) throw badManifest("it is not canonical JSON");
  const manifest = validateManifest(value);
  if (expect.name !== undefined && expect.name !== manifest.name) {
    throw new VerificationError(
      "wrong-name",
      `can't use a manifest of ${expect.name}: it is that of ${manifest.name}`,
    );
  }
  return { manifest, bytes, signature };
}

/** The canonical bytes of a JSON value that a manifest is, or could be. */
export function canonicalBytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(canonicalText(value));
}

function canonicalText(value: unknown): string {
  try {
    return canonicalJson(value);
  } catch (cause) {
    throw badManifest((cause as Error).message, cause);
  }
}

function signedMessage(bytes: Uint8Array): Uint8Array {
  const message = new Uint8Array(DOMAIN.length + bytes.length);
  message.set(DOMAIN);
  message.set(bytes, DOMAIN.length);
  return message;
}

function checkSize(bytes: Uint8Array): void {
  if (bytes.length <= MAX_MANIFEST_BYTES) return;
  throw new VerificationError(
    "oversized-manifest",
    `can't use a manifest of ${bytes.length} bytes: ${MAX_MANIFEST_BYTES} is the most`,
    { hint: "share fewer branches and tags" },
  );
}

function parse(bytes: Uint8Array): { text: string; value: unknown } {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    return { text, value: JSON.parse(text) };
  } catch (cause) {
    throw badManifest("it is not JSON", cause);
  }
}

function publisherOf(value: unknown): Uint8Array {
  const publisher = isPlainObject(value) ? value.publisher : undefined;
  if (typeof publisher === "string" && /^[0-9a-f]{64}$/.test(publisher)) {
    return Uint8Array.fromHex(publisher);
  }
  throw badManifest("publisher: not 64 hex digits");
}

function badManifest(why: string, cause?: unknown): VerificationError {
  return new VerificationError("bad-manifest", `can't use a manifest: ${why}`, { cause });
}
