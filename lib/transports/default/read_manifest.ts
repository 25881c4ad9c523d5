/**
 * A signed manifest out of a server's answer.
 *
 * @module
 */
import { decodeEnvelope, MAX_ENVELOPE_BYTES } from "../../manifest/envelope.ts";
import type { ExpectedManifest, OpenManifest } from "../../manifest/manifest.ts";
import type { SignedManifest } from "../../manifest/types.ts";
import { readWhole } from "./client.ts";

/** @throws {VerificationError} where it is none, another's, too long, or not signed */
export async function readManifest(
  body: AsyncIterable<Uint8Array>,
  expect: ExpectedManifest,
  openManifest: OpenManifest,
): Promise<SignedManifest> {
  return openManifest(decodeEnvelope(await readWhole(body, MAX_ENVELOPE_BYTES)), expect);
}
