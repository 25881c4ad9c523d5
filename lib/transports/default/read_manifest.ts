/**
 * A signed manifest out of a server's answer.
 *
 * @module
 */
import { verifySignature } from "../../identity/keys.ts";
import { decodeEnvelope, MAX_ENVELOPE_BYTES } from "../../manifest/envelope.ts";
import { verifyManifest } from "../../manifest/manifest.ts";
import type { SignedManifest } from "../../manifest/types.ts";
import { readWhole } from "./client.ts";

/** @throws {VerificationError} where it is none, another's, too long, or not signed */
export async function readManifest(
  body: AsyncIterable<Uint8Array>,
  expect: Parameters<typeof verifyManifest>[2],
): Promise<SignedManifest> {
  const { bytes, signature } = decodeEnvelope(await readWhole(body, MAX_ENVELOPE_BYTES));
  return verifyManifest(bytes, signature, expect, verifySignature);
}
