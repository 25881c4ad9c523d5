/**
 * The one place where manifests from networks are verified.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { type OpenManifest, verifyManifest, type VerifySignature } from "../manifest/manifest.ts";

/** Signatures that are remembered. Each takes a digest of 32 bytes, however long the manifest is. */
const MAX_REMEMBERED = 1000;

/**
 * Checks as `verify` does, but each valid signature once, as long as it is among the last
 * {@linkcode MAX_REMEMBERED}. Invalid ones are checked again.
 */
export function rememberVerified(verify: VerifySignature): VerifySignature {
  const valid = new Set<string>();
  return (publicKey, message, signature) => {
    // Fixed lengths: no bytes of one part can be taken for those of the next.
    if (publicKey.length !== 32 || signature.length !== 64) return false;
    const digest = createHash("sha256").update(publicKey).update(signature).update(message)
      .digest("base64");
    const isKnown = valid.delete(digest);
    if (!isKnown && !verify(publicKey, message, signature)) return false;
    valid.add(digest); // as the last that was used
    if (valid.size > MAX_REMEMBERED) valid.delete(valid.keys().next().value!);
    return true;
  };
}

/** What networks are given to verify manifests with. */
export function manifestOpener(verify: VerifySignature): OpenManifest {
  return ({ bytes, signature }, expected) => verifyManifest(bytes, signature, expected, verify);
}
