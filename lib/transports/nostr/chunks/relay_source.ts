/**
 * A blob that is in events, from relays.
 *
 * @module
 */
import { type FileHandle, open, stat } from "node:fs/promises";
import { storeError } from "../../../common/atomic_file.ts";
import { NetworkError, toGtrError } from "../../../common/errors.ts";
import type { BlobSource } from "../blossom/sources.ts";
import type { NostrEvent } from "../events/event.ts";
import { FILE_DATA } from "../events/kinds.ts";
import type { Relays } from "../relays/relays.ts";
import { CHUNK_BYTES, chunkSize, decodeChunk } from "./chunk.ts";

/** A file in events. */
export interface ChunkedBlob {
  /** Who signed them. */
  readonly pubkey: string;
  /** Bytes. */
  readonly size: number;
  /** Its events, in their order. */
  readonly chunks: readonly string[];
}

/** Chunks that are asked for at once: 400 KB, which also a slow line brings before the deadline. */
const PORTION = 8;

/**
 * Relays that may have the chunks of a blob. Each portion is asked for from one relay, and what that
 * doesn't have right from the next.
 *
 * @param urls of the relays, best first
 */
export function relaySource(
  blob: ChunkedBlob,
  relays: Relays,
  urls: readonly string[],
  dropped: (reason: string) => void,
): BlobSource {
  return {
    name: "relays",
    async fetch(into, { signal, progress }) {
      const { size } = blob;
      const there = (await stat(into).catch(() => undefined))?.size ?? 0;
      let done = there > size ? 0 : there;
      const file = await open(into, done > 0 ? "a" : "w").catch((error) => {
        throw storeError(`can't write ${into}`, error);
      });
      try {
        progress?.(done, size, "Downloading");
        const asked = [...urls];
        while (done < size) {
          const first = Math.floor(done / CHUNK_BYTES);
          const wanted = portionOf(blob, first);
          const found = await askForChunks(wanted, blob.pubkey, relays, asked, dropped, signal);
          for (const { bytes } of found) {
            const rest = bytes.subarray(done % CHUNK_BYTES);
            await append(file, rest, into);
            done += rest.length;
            progress?.(done, size, "Downloading");
          }
        }
      } finally {
        await file.close();
      }
    },
  };
}

/** One chunk that is asked for. */
export interface WantedChunk {
  readonly id: string;
  /** Bytes. */
  readonly size: number;
}

/** One that came. */
export interface FoundChunk {
  readonly event: NostrEvent;
  readonly bytes: Uint8Array;
}

/** The chunks of a file that are asked for at once, from the one with the index `first` on. */
export function portionOf({ chunks, size }: ChunkedBlob, first: number): WantedChunk[] {
  return chunks.slice(first, first + PORTION)
    .map((id, i) => ({ id, size: chunkSize(first + i, size) }));
}

/**
 * Some chunks, in their order, each with as many bytes as it should have.
 *
 * @param urls reordered: relays that didn't have them all come last from now on
 * @throws {NetworkError} "nobody-answered" where all relays together don't have them
 */
export async function askForChunks(
  wanted: readonly WantedChunk[],
  pubkey: string,
  relays: Relays,
  urls: string[],
  dropped: (reason: string) => void,
  signal: AbortSignal,
): Promise<FoundChunk[]> {
  const got = new Map<string, FoundChunk>();
  const failures: string[] = [];
  for (const url of [...urls]) {
    const missing = wanted.filter(({ id }) => !got.has(id));
    const filter = { ids: missing.map(({ id }) => id), kinds: [FILE_DATA], authors: [pubkey] };
    try {
      const { events } = await relays.query([url], [filter], signal);
      for (const event of events) {
        const { size } = missing.find(({ id }) => id === event.id)!;
        const bytes = decodeChunk(event, size);
        if (bytes) got.set(event.id, { event, bytes });
        else dropped("bad-chunk");
      }
    } catch (error) {
      signal.throwIfAborted();
      failures.push(toGtrError(error).message);
    }
    if (wanted.every(({ id }) => got.has(id))) return wanted.map(({ id }) => got.get(id)!);
    urls.push(...urls.splice(urls.indexOf(url), 1));
  }
  const lacking = wanted.filter(({ id }) => !got.has(id)).length;
  const why = failures.length > 0 ? `: ${failures.join("; ")}` : "";
  throw new NetworkError(
    "nobody-answered",
    `${lacking} of ${wanted.length} events with its bytes are on no relay that was asked${why}`,
  );
}

async function append(file: FileHandle, bytes: Uint8Array, into: string): Promise<void> {
  await file.appendFile(bytes).catch((error) => {
    throw storeError(`can't write ${into}`, error);
  });
}
