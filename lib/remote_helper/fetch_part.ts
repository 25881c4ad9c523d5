/**
 * The `fetch` command where whole packs would be wrong, or too much: git's own negotiation with a
 * live peer, or else with the store.
 *
 * @module
 */
import { join } from "node:path";
import { type GtrError, StoreError, toGtrError } from "../common/errors.ts";
import type { Progress } from "../common/wait.ts";
import type { DialledState, RemoteState, SyncedState } from "../daemon/api.ts";
import { type FetchedPack, gitFetchPack } from "../git_interface/git_fetch_pack.ts";
import { configEnvironment } from "../git_interface/user_environment.ts";
import { checkHeld, type Fetched } from "./fetch.ts";
import { lookUpObjects } from "./held_objects.ts";
import { type Environment, type LocalRepository } from "./local_repository.ts";
import type { HelperOptions } from "./options.ts";

/** Live peers that are tried before the packs are fetched. */
const PEERS = 2;

/** Below this, packs are fetched sooner than anything is negotiated, and serve others; in bytes. */
const LARGE = 8 << 20;

/** Where the objects can come from. */
export interface PartSources {
  /** A live peer, or the store where that is whole; undefined where there is neither. */
  readonly dial: () => Promise<DialledState | undefined>;
  /** The store, once it has everything. Undefined: the caller would rather take whole packs. */
  readonly sync?: () => Promise<SyncedState>;
  /** Told why one of them failed, before the next is tried. */
  readonly failed: (why: GtrError) => void;
}

/** What is fetched and how git wants it. */
export interface PartRequest {
  readonly wanted: readonly string[];
  readonly options: HelperOptions;
  readonly env: Environment;
  readonly progress: Progress;
}

/**
 * Fetches what is wanted as the options say: from a live peer, from the next where its stream
 * breaks, and in the end from the store.
 *
 * @returns undefined where no live peer had it and the caller has another way
 * @throws {RequestError} "not-there" where the publication lacks a wanted object
 */
export async function fetchPart(
  { dial, sync, failed }: PartSources,
  local: LocalRepository,
  request: PartRequest,
  signal: AbortSignal,
): Promise<Fetched | undefined> {
  for (let i = 0; i < PEERS; i++) {
    const found = await dial();
    const isLive = found?.source.startsWith("git://");
    if (!found || !isLive && !sync) break;
    try {
      return await fetchFrom(found.source, local, request, signal);
    } catch (error) {
      if (signal.aborted || error instanceof StoreError) throw error;
      failed(toGtrError(error));
      // Nobody else writes into a repository that is being cloned, so this is the broken stream's.
      if (request.options.cloning) await removePartialPacks(local);
      if (!isLive) break;
    }
  }
  if (!sync) return undefined;
  const synced = await sync();
  await checkHeld(synced, request.wanted, signal);
  return await fetchFrom(synced.gitDir, local, request, signal);
}

/**
 * Whether whole packs would bring much that is not wanted: of a large repository, not all branches
 * are wanted or here.
 *
 * @param state what is published
 * @param has whether an object is wanted, or in the repository that git fills
 */
export function isSmallPart(
  { refs, packBytes }: Pick<RemoteState, "refs" | "packBytes">,
  has: (oid: string) => boolean,
): boolean {
  return packBytes >= LARGE && branchTips(refs).some((oid) => !has(oid));
}

/** The same for a repository on the disk. */
export async function wantsSmallPart(
  state: RemoteState,
  local: LocalRepository,
  wanted: readonly string[],
  signal: AbortSignal,
): Promise<boolean> {
  const held = new Set(wanted);
  if (!isSmallPart(state, (oid) => held.has(oid))) return false;
  const found = await lookUpObjects(local, branchTips(state.refs), signal);
  found.forEach((object) => object && held.add(object.oid));
  return isSmallPart(state, (oid) => held.has(oid));
}

/**
 * Whether whole packs would bring tags that are not wanted: git takes every tag whose object is there
 * for one of what it fetched. So it is while some branch is neither wanted nor here.
 *
 * @param wanted object ids that git asks for
 */
export async function bringsOtherTags(
  { refs }: Pick<RemoteState, "refs">,
  local: LocalRepository,
  wanted: readonly string[],
  signal: AbortSignal,
): Promise<boolean> {
  const held = new Set(wanted);
  const tags = Object.entries(refs).flatMap(([ref, oid]) =>
    ref.startsWith("refs/tags/") ? oid : []
  );
  const others = [tags, branchTips(refs)].map((oids) => oids.filter((oid) => !held.has(oid)));
  if (others.some((oids) => oids.length === 0)) return false;
  const found = await lookUpObjects(local, others.flat(), signal);
  found.forEach((object) => object && held.add(object.oid));
  return others.every((oids) => oids.some((oid) => !held.has(oid)));
}

function branchTips(refs: RemoteState["refs"]): string[] {
  const branches = Object.entries(refs).filter(([ref]) => ref.startsWith("refs/heads/"));
  return [...new Set(branches.map(([, oid]) => oid))];
}

async function fetchFrom(
  source: string,
  local: LocalRepository,
  { wanted, options, env, progress }: PartRequest,
  signal: AbortSignal,
): Promise<Fetched> {
  const shown = options.progress && options.verbosity > 0;
  const { keep, whole }: FetchedPack = await gitFetchPack(source, {
    gitDir: local.gitDir,
    objectDirectory: local.objectDirectory,
    alternates: local.alternates,
    env: configEnvironment(env),
    wants: wanted,
    keep: options.cloning, // as git does: a clone begins with packs
    ...options.part,
    cloning: options.cloning,
    refetch: options.refetch,
    tags: options.followTags,
    proof: options.checkConnectivity,
    progress: shown ? progress : undefined,
    signal,
  });
  return { keep, proven: whole };
}

/** What `git index-pack` leaves where its input breaks off. git itself would remove it some day. */
export async function removePartialPacks({ objectDirectory }: LocalRepository): Promise<void> {
  const folder = join(objectDirectory, "pack");
  const entries = await Array.fromAsync(Deno.readDir(folder)).catch(() => []);
  const left = entries.filter(({ name }) => /^tmp_(pack|idx|rev)_/.test(name));
  await Promise.all(left.map(({ name }) => Deno.remove(join(folder, name)).catch(() => {})));
}
