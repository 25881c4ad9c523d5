/**
 * The packs of the next publication: one new self-contained pack, and with it the small ones before
 * it once they add up (geometric consolidation).
 *
 * @module
 */
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Wait } from "../common/wait.ts";
import { packObjects } from "../git_interface/pack_objects.ts";
import { planPacks } from "../manifest/plan_packs.ts";
import type { PackRef } from "../manifest/types.ts";
import { describePack } from "./pack_ref.ts";

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
  /** Refs of the previous publication. */
  readonly before: Readonly<Record<string, string>>;
  /** Drop what is no longer reachable, by making every pack anew. */
  readonly fromScratch: boolean;
  /** Where the new files go. Made if missing; the caller removes it when done. */
  readonly directory: string;
}

/** Makes the new pack; see the module. */
export async function makePacks(request: PackRequest, wait: Wait): Promise<NextPacks> {
  const include = unique(Object.values(request.refs));
  const previous = request.fromScratch ? [] : request.previous;
  if (include.length === 0) return { kept: previous };
  await mkdir(request.directory, { recursive: true });

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
  const merged = previous.slice(keep);
  const tips = tipsOf(request, merged);
  const ref = await describePack(made.packPath, made.objects, tips, wait);
  return {
    kept: previous.slice(0, keep),
    made: { pack: ref, packPath: made.packPath, idxPath: made.idxPath },
  };
}

/** The folder for packs in the making, inside a store repository. */
export function outgoingDirectory(repositoryPath: string): string {
  return join(repositoryPath, "gtr", "outgoing");
}

/**
 * All branch heads, and the tags that are new with this pack (or were with the packs merged into
 * it). Tags of earlier packs are left out: whoever has the heads and the new tags has accepted a
 * publication that held them, and a thousand tags need not stand in every pack.
 */
function tipsOf(request: PackRequest, merged: readonly PackRef[]): string[] {
  const earlier = new Set(
    request.fromScratch ? [] : Object.values(request.before),
  );
  const again = new Set(merged.flatMap((pack) => pack.tips));
  return unique(
    Object.entries(request.refs)
      .filter(([name, oid]) =>
        name.startsWith("refs/heads/") || !earlier.has(oid) || again.has(oid)
      )
      .map(([, oid]) => oid),
  );
}

function unique(items: readonly string[]): string[] {
  return [...new Set(items)].sort();
}
