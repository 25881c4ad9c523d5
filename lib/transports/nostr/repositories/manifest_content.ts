/**
 * How the publisher's signed manifest travels with a state event (kind 30618), whose content NIP-34
 * leaves empty: in the content itself, compressed, or, where it is too long for relays, as a blob, or
 * chunks in further events, that a tag names.
 *
 * @module
 */
import { deflateRawSync, inflateRawSync } from "node:zlib";
import { VerificationError } from "../../../common/errors.ts";
import { decodeEnvelope, encodeEnvelope, MAX_ENVELOPE_BYTES } from "../../../manifest/envelope.ts";
import type { ExpectedManifest, OpenManifest } from "../../../manifest/manifest.ts";
import type { SignedManifest } from "../../../manifest/types.ts";
import { chunksTag, readChunksTag } from "../chunks/chunk.ts";
import { type NostrEvent, tagValues } from "../events/event.ts";
import { distinctUrls, webUrl } from "../urls.ts";

/** Longest content that is put into an event, in characters: relays take 64 KiB in all. */
export const MAX_INLINE = 24 * 1024;

const BLOB_TAG = "gtr-manifest";
const MAX_SOURCES = 16;

/** A manifest's file on Blossom servers, or in events. */
export interface ManifestBlob {
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
  readonly urls: readonly string[];
  /** The events that have its bytes, in their order, where it is in events. */
  readonly chunks?: readonly string[];
}

/** The content for a manifest, or undefined where it is too long and has to become a blob. */
export function inlineManifest(signed: SignedManifest): string | undefined {
  const content = deflateRawSync(encodeEnvelope(signed)).toString("base64");
  return content.length <= MAX_INLINE ? content : undefined;
}

/** The tags that name the blob of a manifest, the file form of `manifest/envelope.ts`. */
export function manifestBlobTags({ sha256, size, urls, chunks }: ManifestBlob): string[][] {
  const blob = [BLOB_TAG, sha256, String(size), ...urls.slice(0, MAX_SOURCES)];
  return chunks ? [blob, chunksTag(chunks)] : [blob];
}

/** The blob that a state event names, if it names one. */
export function manifestBlobOf(event: NostrEvent): ManifestBlob | undefined {
  const [sha256 = "", digits = "", ...urls] = tagValues(event, BLOB_TAG);
  const size = /^[1-9]\d{0,8}$/.test(digits) ? Number(digits) : Infinity;
  if (!/^[0-9a-f]{64}$/.test(sha256) || size > MAX_ENVELOPE_BYTES) return undefined;
  const chunks = readChunksTag(event, size);
  const blob = { sha256, size, urls: distinctUrls(urls, webUrl, MAX_SOURCES) };
  return chunks ? { ...blob, chunks } : blob;
}

/**
 * The manifest in the content of an event; undefined where the content is empty, as others' is.
 *
 * @throws {VerificationError} "bad-manifest", or what `openManifest` finds wrong
 */
export function manifestInContent(
  event: NostrEvent,
  expect: ExpectedManifest,
  openManifest: OpenManifest,
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
  return openManifest(decodeEnvelope(file), expect);
}
