/**
 * The file form of a signed manifest: `{"version":1,"manifest":{...},"signature":"<base64>"}`.
 *
 * The manifest is an object in it, not quoted text, so that people and tools can read it. It is brought
 * back to canonical form on reading, so a formatter that ran over the file does no harm.
 *
 * @module
 */
import * as v from "valibot";
import { VerificationError } from "../common/errors.ts";
import { canonicalBytes } from "./manifest.ts";
import { MAX_MANIFEST_BYTES } from "./schema.ts";
import type { SignedManifest } from "./types.ts";

/** Longest envelope, in bytes: the longest manifest with as much white space again. */
export const MAX_ENVELOPE_BYTES = 2 * MAX_MANIFEST_BYTES;

/** 64 bytes in base64 (RFC 4648, section 4). */
const SIGNATURE = /^[A-Za-z0-9+/]{86}==$/;

const EnvelopeSchema = v.object({
  version: v.literal(1),
  manifest: v.unknown(),
  signature: v.pipe(v.string(), v.regex(SIGNATURE)),
});

/** The bytes of the file. */
export function encodeEnvelope(signed: Pick<SignedManifest, "bytes" | "signature">): Uint8Array {
  const manifest = new TextDecoder().decode(signed.bytes);
  const signature = signed.signature.toBase64();
  return new TextEncoder().encode(
    `{"version":1,"manifest":${manifest},"signature":"${signature}"}\n`,
  );
}

/**
 * What the file contains. Nothing of it is verified yet: give it to `verifyManifest`.
 *
 * @throws {VerificationError} "bad-manifest" or "oversized-manifest"
 */
export function decodeEnvelope(file: Uint8Array): { bytes: Uint8Array; signature: Uint8Array } {
  if (file.length > MAX_ENVELOPE_BYTES) {
    throw new VerificationError(
      "oversized-manifest",
      `can't read a manifest file of ${file.length} bytes: ${MAX_ENVELOPE_BYTES} is the most`,
    );
  }
  let envelope: v.InferOutput<typeof EnvelopeSchema>;
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(file);
    envelope = v.parse(EnvelopeSchema, JSON.parse(text));
  } catch (cause) {
    throw new VerificationError("bad-manifest", "can't read a manifest file: it has another form", {
      cause,
    });
  }
  return {
    bytes: canonicalBytes(envelope.manifest),
    signature: Uint8Array.fromBase64(envelope.signature),
  };
}
