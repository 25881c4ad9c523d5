/**
 * The `fetch` command: packs from the store into the repository git fills.
 *
 * @module
 */
import { RequestError } from "../common/errors.ts";
import type { SyncedState } from "../daemon/api.ts";
import { linkPacks } from "../git_interface/link_packs.ts";
import { missingPacks } from "../manifest/missing_packs.ts";
import { closedObjects, lookUpObjects } from "./held_objects.ts";
import type { LocalRepository } from "./local_repository.ts";
import { writeTipsPack } from "./tips_pack.ts";

type StoredPack = SyncedState["packs"][number];

/** What one batch of `fetch` lines asks for. */
export interface FetchRequest {
  /** Object ids that git wants, each once. */
  readonly wanted: readonly string[];
  /** Whether the repository is empty, or to be treated as if it were. */
  readonly everything: boolean;
  /** Whether git would rather be told that all is there than look for itself. */
  readonly proof: boolean;
}

/** What came of it. */
export interface Fetched {
  /** A `.keep` file that git removes once its refs point to what came. */
  readonly keep?: string;
  /** Whether all that was wanted is there with everything it reaches, and is in the kept pack. */
  readonly proven: boolean;
}

/** How often a publication that replaces packs meanwhile is followed. */
const ATTEMPTS = 3;

/**
 * Links the packs that `local` misses.
 *
 * @param sync brings the store up to date; asked again where packs were replaced meanwhile
 * @throws {RequestError} "not-there" where the publication lacks a wanted object
 */
export async function fetchPacks(
  sync: () => Promise<SyncedState>,
  local: LocalRepository,
  request: FetchRequest,
  signal: AbortSignal,
): Promise<Fetched> {
  for (let attempt = 1;; attempt++) {
    const synced = await sync();
    const published = await checkHeld(synced, request.wanted, signal);
    const packs = request.everything ? synced.packs : await missing(synced, local, signal);
    // What the store has accepted holds the closure of its refs, if all of it is taken.
    const proven = request.proof && published && packs.length === synced.packs.length;
    try {
      const keep = await link(synced, packs, proven ? request.wanted : [], local, signal);
      return { keep, proven: proven && keep !== undefined };
    } catch (error) {
      if (attempt === ATTEMPTS || await allExist(packs)) throw error;
    }
  }
}

/** Links `packs` and, where there are several, one more that holds all of `tips`. */
async function link(
  synced: SyncedState,
  packs: readonly StoredPack[],
  tips: readonly string[],
  local: LocalRepository,
  signal: AbortSignal,
): Promise<string | undefined> {
  const paths = packs.map(({ path }) => path);
  if (tips.length === 0 || paths.length < 2) return await linkPacks(paths, local.objectDirectory);
  // git's own name for such folders: what a crash leaves, `git gc` removes.
  const directory = await Deno.makeTempDir({ dir: local.objectDirectory, prefix: "tmp_objdir-" });
  try {
    const last = await writeTipsPack(synced.gitDir, tips, directory, signal);
    return await linkPacks([...paths, last], local.objectDirectory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function missing(
  synced: SyncedState,
  local: LocalRepository,
  signal: AbortSignal,
): Promise<StoredPack[]> {
  const tips = [...new Set(synced.packs.flatMap((pack) => pack.tips))];
  const objects = await closedObjects(local, tips, signal);
  return missingPacks(synced, { packs: new Set(), objects });
}

/**
 * What `list` showed can have been replaced by the time it is fetched: an error where it is gone.
 * Returns whether all of `wanted` are refs of the publication.
 */
export async function checkHeld(
  synced: SyncedState,
  wanted: readonly string[],
  signal: AbortSignal,
): Promise<boolean> {
  const tips = new Set(Object.values(synced.refs));
  const others = wanted.filter((oid) => !tips.has(oid));
  const found = await lookUpObjects({ gitDir: synced.gitDir }, others, signal);
  const absent = others.find((_, i) => found[i] === undefined);
  if (absent === undefined) return others.length === 0;
  throw new RequestError("not-there", `can't fetch ${absent}: ${synced.address} no longer has it`, {
    hint: "it was changed just now, or never shared; fetch again to get what is there",
  });
}

async function allExist(packs: readonly StoredPack[]): Promise<boolean> {
  const found = await Promise.all(
    packs.map(({ path }) => Deno.stat(path).then(() => true, () => false)),
  );
  return found.every(Boolean);
}
