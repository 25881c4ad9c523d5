/**
 * Files in events (kind 1064 of NIP-95's draft): one event for each chunk of their bytes, named in
 * order by a tag of the event that tells of the file.
 *
 * @module
 */
import type { EventTemplate, NostrEvent } from "../events/event.ts";
import { ANNOUNCEMENT, FILE_DATA } from "../events/kinds.ts";

/**
 * Bytes in each chunk but the last: 48 KiB of base64, so that the event is shorter than 64 KiB, the
 * most that common relays take.
 */
export const CHUNK_BYTES = 36_864;
/** Most chunks of one file: the event that names them has to be shorter than 64 KiB too. */
export const MAX_CHUNKS = 512;
/** Most bytes of a file in events. */
export const MAX_CHUNKED = MAX_CHUNKS * CHUNK_BYTES;

const CHUNKS_TAG = "chunk";

/** How many chunks a file of `size` bytes has. */
export function chunkCount(size: number): number {
  return Math.ceil(size / CHUNK_BYTES);
}

/** How many bytes chunk `index` of a file of `size` bytes has. */
export function chunkSize(index: number, size: number): number {
  return Math.min(CHUNK_BYTES, size - index * CHUNK_BYTES);
}

/**
 * The event of one chunk.
 *
 * @param repository whose file it is: some relays take only what belongs to an announcement
 */
export function encodeChunk(
  bytes: Uint8Array,
  repository: { readonly pubkey: string; readonly identifier: string },
  created: number,
): EventTemplate {
  return {
    kind: FILE_DATA,
    created_at: created,
    tags: [["a", `${ANNOUNCEMENT}:${repository.pubkey}:${repository.identifier}`]],
    content: bytes.toBase64(),
  };
}

/** The bytes in an authentic event; undefined where it has not `size` of them. */
export function decodeChunk(
  { kind, content }: NostrEvent,
  size: number,
): Uint8Array<ArrayBuffer> | undefined {
  if (kind !== FILE_DATA || content.length !== 4 * Math.ceil(size / 3)) return undefined;
  try {
    const bytes = Uint8Array.fromBase64(content);
    return bytes.length === size ? bytes : undefined;
  } catch {
    return undefined;
  }
}

/** The tag that names the chunks of a file, in their order. */
export function chunksTag(ids: readonly string[]): string[] {
  return [CHUNKS_TAG, ...ids];
}

/** The chunks that an event names of a file of `size` bytes; undefined where it names not all of them. */
export function readChunksTag(
  { tags }: Pick<NostrEvent, "tags">,
  size: number,
): string[] | undefined {
  const ids = tags.find(([name]) => name === CHUNKS_TAG)?.slice(1) ?? [];
  const right = size > 0 && ids.length <= MAX_CHUNKS && ids.length === chunkCount(size) &&
    ids.every((id) => /^[0-9a-f]{64}$/.test(id));
  return right ? ids : undefined;
}
