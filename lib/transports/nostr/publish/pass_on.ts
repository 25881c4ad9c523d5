/**
 * Keeping others' publications available, without their keys.
 *
 * @module
 */
import type { Reach } from "../../../common/reach.ts";
import { deadline } from "../../../common/wait.ts";
import type { PackFile } from "../../../manifest/pack_file.ts";
import { sizeOfBlob } from "../blossom/download.ts";
import type { BlobStore } from "../blossom/servers.ts";
import { deliver } from "../relays/deliver.ts";
import type { RepositoryEvents } from "../repositories/lookup.ts";
import { PACK_TYPE } from "../repositories/pack_event.ts";
import { type ChunkPassing, chunksOnTheirWay } from "./pass_on_chunks.ts";

/** What {@linkcode passOn} works with. */
export interface PassOnParts extends Omit<ChunkPassing, "sources"> {
  /** Relays that may have what the events of the repository name. */
  readonly relaysFor: (events: RepositoryEvents) => readonly string[];
  /** The user's own. */
  readonly urls: readonly string[];
  readonly blobs: BlobStore;
  /** Where a pack may be. */
  readonly sources: (sha256: string) => readonly string[];
  /** What the name of a server may lead to, where a stranger told it. */
  readonly nearest: (url: string) => Reach | undefined;
}

const LOOK_MS = 5_000;

/**
 * Hands the publisher's own events, unchanged, to the user's relays, files in events included, and
 * puts those packs on the user's Blossom servers that no server has any more.
 *
 * @param events with which the manifest came; undefined where it came by another network
 */
export async function passOn(
  { relays, urls, relaysFor, blobs, sources, nearest, ...parts }: PassOnParts,
  events: RepositoryEvents | undefined,
  packs: readonly PackFile[],
  signal: AbortSignal,
): Promise<void> {
  for (const { pack: { sha256, size }, path } of blobs.parts.servers.length > 0 ? packs : []) {
    if (await isSomewhere(sources(sha256), size, nearest, signal)) continue;
    await blobs.store({ path, sha256, size, type: PACK_TYPE }, signal);
  }
  if (events?.state === undefined) return;
  const inOrder = [
    ...events.announcement ? [events.announcement.event] : [],
    ...events.packs.map(({ event }) => event),
    events.state.event,
  ];
  const passing = { ...parts, relays, sources: relaysFor(events) };
  const cargo = chunksOnTheirWay(passing, events, packs);
  await deliver(relays, urls, inOrder, 0, signal, cargo).enough;
}

async function isSomewhere(
  urls: readonly string[],
  size: number,
  nearest: (url: string) => Reach | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  for (const url of urls) {
    using limit = deadline(LOOK_MS, "a server to say whether it has a blob", signal);
    const here = await sizeOfBlob(url, limit.signal, nearest(url)).catch(() => undefined);
    if (here === size) return true;
    signal.throwIfAborted();
  }
  return false;
}
