/**
 * The packs of the next publication: one new self-contained pack, and with it the small ones before
 * it once they add up (geometric consolidation).
 *
 * @module
 */
import { rm } from "node:fs/promises";
import type { Wait } from "../common/wait.ts";
import { packObjects } from "../git_interface/pack_objects.ts";
import { planPacks } from "../manifest/plan_packs.ts";
import type { PackRef } from "../manifest/types.ts";
import { describePack } from "../store/pack_ref.ts";

/** A pack file that was just made, not yet in the store. */
export interface MadePack {
  readonly pack: PackRef;
  readonly packPath: string;
  readonly idxPath: string;
}

/** Packs to keep, then the one made (none where nothing is new). */
export interface NextPacks {
  readonly kept: readonly PackRef[];
  readonly made?: MadePack;
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
  /** An empty folder for the new files. */
  readonly directory: string;
}

/**
 * Makes the new pack; see the module. Its tips are the refs that no kept pack has as a tip, so that
 * every object in it is reachable from them: whoever has these tips needs nothing of it.
 */
export async function makePacks(request: PackRequest, wait: Wait): Promise<NextPacks> {
  const include = unique(Object.values(request.refs));
  const previous = request.fromScratch ? [] : request.previous;
  if (include.length === 0) return { kept: previous };

  const pack = (exclude: readonly string[]) =>
    packObjects({
      gitDir: request.gitDir,
      alternates: [...request.objectDirs],
      include,
      exclude: [...exclude],
      directory: request.directory,
      signal: wait.signal,
      progress: wait.progress,
    });
  let made = await pack(unique(previous.flatMap((p) => p.tips)));
  if (!made) return { kept: previous };

  const keep = planPacks(previous, made.size);
  if (keep < previous.length) {
    await rm(made.packPath, { force: true });
    await rm(made.idxPath, { force: true });
    made = await pack(unique(previous.slice(0, keep).flatMap((p) => p.tips)));
    if (!made) return { kept: previous };
  }
  const kept = previous.slice(0, keep);
  const known = new Set(kept.flatMap((p) => p.tips));
  const tips = include.filter((oid) => !known.has(oid));
  const ref = await describePack(made.packPath, made.objects, tips, wait);
  return {
    kept,
    made: { pack: ref, packPath: made.packPath, idxPath: made.idxPath },
  };
}

function unique(items: readonly string[]): string[] {
  return [...new Set(items)].sort();
}
