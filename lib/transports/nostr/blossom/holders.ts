/**
 * Which Blossom servers have the packs of a repository.
 *
 * @module
 */
import type { Reach } from "../../../common/reach.ts";
import { deadline } from "../../../common/wait.ts";
import { isAnnounced } from "../../../manifest/flow.ts";
import type { Manifest, PackRef } from "../../../manifest/types.ts";
import type { Holder } from "../../../ports/packs.ts";
import { sizeOfBlob } from "./download.ts";

/** One server may take so many milliseconds for everything. */
const ANSWER_MS = 5_000;
const MAX_SERVERS = 16;

/**
 * Asks each server for the size of each pack. Blobs are named by their SHA-256, so that one with all of
 * them has this publication's data, whichever publication it came with.
 *
 * @param sourcesOf URLs where a pack may be
 * @param nearest what a server's name may lead to, where a stranger told it
 */
export async function serversThatHave(
  manifest: Manifest,
  sourcesOf: (sha256: string) => readonly string[],
  nearest: (url: string) => Reach | undefined,
  signal: AbortSignal,
): Promise<Holder[]> {
  const { packs, sequence } = manifest;
  if (isAnnounced(manifest) || packs.length === 0) return [];
  const sources = packs.map((pack) => ({ pack, urls: sourcesOf(pack.sha256) }));
  const servers = new Set(sources.flatMap(({ urls }) => urls.map(hostOf)));
  const answers = await Promise.all(
    [...servers].slice(0, MAX_SERVERS).map(async (peer) => {
      using limit = deadline(ANSWER_MS, `${peer} to say what it has`, signal);
      let held = 0;
      for (const { pack, urls } of sources) {
        const here = urls.filter((url) => hostOf(url) === peer);
        if (await hasPack(here, pack, nearest, limit.signal)) held++;
      }
      const complete = held === packs.length;
      return held === 0 ? [] : [{ peer, sequence: complete ? sequence : 0, complete }];
    }),
  );
  signal.throwIfAborted();
  return answers.flat();
}

async function hasPack(
  urls: readonly string[],
  { size }: PackRef,
  nearest: (url: string) => Reach | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  for (const url of urls) {
    if (await sizeOfBlob(url, signal, nearest(url)).catch(() => undefined) === size) return true;
  }
  return false;
}

function hostOf(url: string): string {
  return new URL(url).host;
}
