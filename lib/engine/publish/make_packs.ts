/**
 * The packs of the next publication: what is new as a self-contained pack, and with it the small ones
 * before it once they add up (geometric consolidation). If a network stores none of that size, it
 * is a group of several.
 *
 * @module
 */
import { rm } from "node:fs/promises";
import type { Wait } from "../../common/wait.ts";
import { type NewPack, packObjects } from "../../git_interface/pack_objects.ts";
import { packGroups } from "../../manifest/pack_groups.ts";
import { bytesOf, planPacks } from "../../manifest/plan_packs.ts";
import { MAX_PACKS } from "../../manifest/schema.ts";
import type { PackRef } from "../../manifest/types.ts";
import { describePack } from "../../store/pack_ref.ts";
import type { OpenNetwork } from "../../ports/network.ts";

/** A pack file that was just made, not yet in the store. */
export interface MadePack {
  readonly pack: PackRef;
  readonly packPath: string;
  readonly idxPath: string;
}

/** What the next publication consists of. */
export interface NextPacks {
  readonly packs: readonly PackRef[];
  /** Those of them that were made now. */
  readonly made: readonly MadePack[];
}

/** What goes into the next publication. */
export interface PackRequest {
  /** The repository in whose object store the earlier packs are. */
  readonly gitDir: string;
  /** Object directories of the working repositories. */
  readonly objectDirs: readonly string[];
  readonly previous: readonly PackRef[];
  readonly refs: Readonly<Record<string, string>>;
  /** Drop what is no longer reachable, by making every pack anew. */
  readonly fromScratch: boolean;
  /** Bytes of the largest pack; a single object may be larger. Undefined for no limit. */
  readonly maxPack?: number;
  /** An empty folder for the new files. */
  readonly directory: string;
}

/** Packs are split into so many, not more: the rest of a manifest's is for what is added. */
const MOST_PARTS = MAX_PACKS / 4;

/** What all networks can store, of those that are to have a publication. */
export function smallestLimit(networks: readonly OpenNetwork[]): number | undefined {
  const limits = networks.flatMap(({ packs }) => packs?.maxBytes() ?? []);
  return limits.length === 0 ? undefined : Math.min(...limits);
}

/**
 * Makes the new packs; see the module. Their tips are the refs that no kept pack has as a tip, so that
 * every object in them is reachable from those: readers that have these tips need nothing of them.
 *
 * Earlier packs above the limit are split: each for itself, with its tips, so that nobody who has it
 * has to fetch it again.
 */
export async function makePacks(request: PackRequest, wait: Wait): Promise<NextPacks> {
  const include = unique(Object.values(request.refs));
  const previous = request.fromScratch ? [] : request.previous;
  if (include.length === 0) return { packs: previous, made: [] };
  const maxPack = limitFor(bytesOf(previous), request.maxPack);
  const pack = (tips: readonly string[], before: readonly PackRef[]) =>
    packObjects({
      gitDir: request.gitDir,
      alternates: [...request.objectDirs],
      include: tips,
      exclude: unique(before.flatMap((p) => p.tips)),
      directory: request.directory,
      maxPack,
      signal: wait.signal,
      progress: wait.progress,
    });

  let fresh = await pack(include, previous);
  let keep = previous.length;
  if (fresh.length > 0) {
    keep = planPacks(previous, bytesOf(fresh), maxPack);
    if (keep < previous.length) {
      await discard(fresh);
      fresh = await pack(include, previous.slice(0, keep));
    }
  }

  const packs: PackRef[] = [];
  const made: MadePack[] = [];
  const add = async (group: readonly NewPack[], tips: readonly string[]) => {
    const described: MadePack[] = [];
    for (const { packPath, idxPath, objects } of group) { // one at a time: they can be hundreds
      described.push({ packPath, idxPath, pack: await describePack(packPath, objects, [], wait) });
    }
    // A large file that comes back makes the same pack of one object as when it was there before.
    const lacking = described.filter(({ pack: { sha256 } }) =>
      !packs.some((known) => known.sha256 === sha256)
    );
    lacking.forEach(({ packPath, idxPath, pack }, i) => {
      const next = i === lacking.length - 1 ? { ...pack, tips } : pack;
      packs.push(next);
      made.push({ pack: next, packPath, idxPath });
    });
  };
  for (const group of packGroups(previous.slice(0, keep))) {
    const { tips } = group.at(-1)!;
    if (group.some((kept) => isDivisible(kept, maxPack))) await add(await pack(tips, packs), tips);
    else packs.push(...group);
  }
  const known = new Set(packs.flatMap((p) => p.tips));
  await add(fresh, include.filter((oid) => !known.has(oid)));

  const distinct = new Set(packs.map(({ sha256 }) => sha256)).size === packs.length;
  if (distinct && packs.length <= MAX_PACKS) return { packs, made };
  await discard(made);
  const total = bytesOf(packs);
  return makePacks(
    { ...request, fromScratch: true, maxPack: limitFor(total, request.maxPack) },
    wait,
  );
}

/** A limit that doesn't make more packs than a manifest can list. */
function limitFor(total: number, maxPack: number | undefined): number | undefined {
  return maxPack && Math.max(maxPack, Math.ceil(total / MOST_PARTS));
}

function isDivisible({ size, objects }: PackRef, maxPack = Infinity): boolean {
  return size > maxPack && objects > 1;
}

async function discard(packs: readonly Pick<NewPack, "packPath" | "idxPath">[]): Promise<void> {
  for (const path of packs.flatMap(({ packPath, idxPath }) => [packPath, idxPath])) {
    await rm(path, { force: true });
  }
}

function unique(items: readonly string[]): string[] {
  return [...new Set(items)].sort();
}
