/**
 * Handing on files that are in events, as their publisher signed them.
 *
 * @module
 */
import { NetworkError, toGtrError } from "../../../common/errors.ts";
import { mapLimited } from "../../../common/map_limited.ts";
import type { PackFile } from "../../../manifest/pack_file.ts";
import { MAX_CHUNKED } from "../chunks/chunk.ts";
import { askForChunks, type ChunkedBlob, portionOf } from "../chunks/relay_source.ts";
import type { Cargo } from "../relays/deliver.ts";
import type { Relays } from "../relays/relays.ts";
import type { RepositoryEvents } from "../repositories/lookup.ts";
import { manifestBlobOf } from "../repositories/manifest_content.ts";

/** Most bytes of one repository that are handed on: relays are no place for large files. */
const MAX_PASSED = MAX_CHUNKED;
/** Chunks that a relay is handed at once: 200 KB, which also a slow line brings before the deadline. */
const AT_ONCE = 4;

/** What {@linkcode chunksOnTheirWay} works with. */
export interface ChunkPassing {
  readonly relays: Relays;
  /** Relays that may have the chunks, best first. */
  readonly sources: readonly string[];
  /** Relays that are given no files: they have git's own. */
  readonly without: readonly string[];
  readonly dropped: (reason: string) => void;
}

/**
 * The files in events of a repository, for relays that lack them: the manifest, then packs, as many as
 * fit into 18 MiB. A relay that gets no chunks is told the rest all the same, as its publisher did.
 */
export function chunksOnTheirWay(
  parts: ChunkPassing,
  events: RepositoryEvents,
  packs: readonly PackFile[],
): Cargo | undefined {
  const blobs = chunkedBlobs(events, packs);
  if (blobs.length === 0) return undefined;
  const hand = async (url: string, signal: AbortSignal) => {
    try {
      if (parts.without.includes(url)) throw new Error("it is given no files");
      for (const blob of blobs) await pass(parts, blob, url, signal);
    } catch (error) {
      signal.throwIfAborted();
      const why = toGtrError(error).message;
      throw new NetworkError("refused", `${url} lacks files in events: ${why}`, { cause: error });
    }
  };
  return { hand, quorum: 0 };
}

function chunkedBlobs(
  { state, packs: told }: RepositoryEvents,
  packs: readonly PackFile[],
): ChunkedBlob[] {
  const manifest = state && manifestBlobOf(state.event);
  const blobs: ChunkedBlob[] = [];
  if (manifest?.chunks) {
    blobs.push({ pubkey: state!.event.pubkey, size: manifest.size, chunks: manifest.chunks });
  }
  let room = MAX_PASSED - (blobs[0]?.size ?? 0);
  for (const { pack: { sha256, size } } of packs) {
    const named = told.find(({ metadata }) =>
      metadata.sha256 === sha256 && metadata.size === size && metadata.chunks !== undefined
    );
    if (named === undefined || size > room) continue;
    room -= size;
    blobs.push({ pubkey: named.event.pubkey, size, chunks: named.metadata.chunks! });
  }
  return blobs;
}

/** Has a relay take the chunks of a file, unless it has the first and the last of them. */
async function pass(
  { relays, sources, dropped }: ChunkPassing,
  blob: ChunkedBlob,
  url: string,
  signal: AbortSignal,
): Promise<void> {
  const { pubkey, chunks } = blob;
  const ends = new Set([chunks[0]!, chunks.at(-1)!]);
  const { events } = await relays.query([url], [{ ids: [...ends], authors: [pubkey] }], signal);
  if (events.length === ends.size) return;
  const others = sources.filter((source) => source !== url);
  for (let first = 0; first < chunks.length;) {
    const wanted = portionOf(blob, first);
    first += wanted.length;
    const found = await askForChunks(wanted, pubkey, relays, others, dropped, signal);
    await mapLimited(found, AT_ONCE, async ({ event }) => {
      const fault = (await relays.publish([url], event, 0, signal)).failed.get(url);
      if (fault) throw fault;
    });
  }
}
