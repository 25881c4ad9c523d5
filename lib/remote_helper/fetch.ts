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

type StoredPack = SyncedState["packs"][number];

/** What one batch of `fetch` lines asks for. */
export interface FetchRequest {
  /** Object ids that git wants. */
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
  /** Whether every pack of the publication, and so the closure of its refs, is linked. */
  readonly whole: boolean;
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
    await checkHeld(synced, request.wanted, signal);
    const packs = request.everything ? synced.packs : await missing(synced, local, signal);
    try {
      const keep = await linkPacks(packs.map(({ path }) => path), local.objectDirectory);
      return { keep, whole: packs.length === synced.packs.length };
    } catch (error) {
      if (attempt === ATTEMPTS || await allExist(packs)) throw error;
    }
  }
}

async function missing(
  synced: SyncedState,
  local: LocalRepository,
  signal: AbortSignal,
): Promise<StoredPack[]> {
  const tips = [...new Set(synced.packs.flatMap((pack) => pack.tips))];
  const objects = await closedObjects(local, tips, signal);
  const missed = missingPacks(
    { packs: synced.packs.map((pack) => ({ ...pack, infohash: "" })) },
    { packs: new Set(), objects },
  );
  const names = new Set(missed.map(({ sha256 }) => sha256));
  return synced.packs.filter(({ sha256 }) => names.has(sha256));
}

/** What `list` showed can have been replaced by the time it is fetched. */
async function checkHeld(
  synced: SyncedState,
  wanted: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const tips = new Set(Object.values(synced.refs));
  const others = wanted.filter((oid) => !tips.has(oid));
  const found = await lookUpObjects({ gitDir: synced.gitDir }, others, signal);
  const absent = others.find((_, i) => found[i] === undefined);
  if (absent === undefined) return;
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
