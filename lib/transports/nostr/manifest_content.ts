/**
 * How the publisher's signed manifest travels with a state event (kind 30618), whose content NIP-34
 * leaves empty: in the content itself, compressed, or, where it is too long for relays, as a blob that
 * a tag names.
 *
 * @module
 */
import { deflateRawSync, inflateRawSync } from "node:zlib";
import { VerificationError } from "../../common/errors.ts";
import { verifySignature } from "../../identity/keys.ts";
import { decodeEnvelope, encodeEnvelope, MAX_ENVELOPE_BYTES } from "../../manifest/envelope.ts";
import { type ExpectedManifest, verifyManifest } from "../../manifest/manifest.ts";
import type { SignedManifest } from "../../manifest/types.ts";
import { type NostrEvent, tagValues } from "./events/event.ts";
import { distinctUrls, webUrl } from "./urls.ts";

/** Longest content that is put into an event, in characters: relays take 64 KiB in all. */
export const MAX_INLINE = 24 * 1024;

const BLOB_TAG = "gtr-manifest";
const MAX_SOURCES = 16;

/** A manifest's file on Blossom servers. */
export interface ManifestBlob {
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
  readonly urls: readonly string[];
}

/** The content for a manifest, or undefined where it is too long and has to become a blob. */
export function inlineManifest(signed: SignedManifest): string | undefined {
  const content = deflateRawSync(encodeEnvelope(signed)).toString("base64");
  return content.length <= MAX_INLINE ? content : undefined;
}

/** The tag that names the blob of a manifest, the file form of `manifest/envelope.ts`. */
export function manifestBlobTag({ sha256, size, urls }: ManifestBlob): string[] {
  return [BLOB_TAG, sha256, String(size), ...urls.slice(0, MAX_SOURCES)];
}

/** The blob that a state event names, if it names one. */
export function manifestBlobOf(event: NostrEvent): ManifestBlob | undefined {
  const [sha256 = "", digits = "", ...urls] = tagValues(event, BLOB_TAG);
  const size = /^[1-9]\d{0,8}$/.test(digits) ? Number(digits) : Infinity;
  if (!/^[0-9a-f]{64}$/.test(sha256) || size > MAX_ENVELOPE_BYTES) return undefined;
  return { sha256, size, urls: distinctUrls(urls, webUrl, MAX_SOURCES) };
}

/**
 * The manifest in the content of an event; undefined where the content is empty, as others' is.
 *
 * @throws {VerificationError} "bad-manifest", or what `verifyManifest` finds wrong
 */
export function manifestInContent(
  event: NostrEvent,
  expect: ExpectedManifest,
): SignedManifest | undefined {
  if (event.content === "") return undefined;
  let file: Uint8Array;
  try {
    const packed = Uint8Array.fromBase64(event.content);
    file = inflateRawSync(packed, { maxOutputLength: MAX_ENVELOPE_BYTES });
  } catch (cause) {
    throw new VerificationError(
      "bad-manifest",
      "can't read the manifest in an event: it has another form",
      {
        cause,
      },
    );
  }
  return manifestInFile(file, expect);
}

/** The same for the bytes of a blob. */
export function manifestInFile(file: Uint8Array, expect: ExpectedManifest): SignedManifest {
  const { bytes, signature } = decodeEnvelope(file);
  return verifyManifest(bytes, signature, expect, verifySignature);
}
