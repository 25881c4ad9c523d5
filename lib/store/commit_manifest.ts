/**
 * Making a checked manifest the current one.
 *
 * The manifest file is the authority. What is done before it is written adds files that nobody
 * looks at; what is done after it follows from it and can be done again after a crash.
 *
 * @module
 */
import { syncDirectory, writeFileAtomic } from "../common/atomic_file.ts";
import { moveFile } from "../git_interface/place_file.ts";
import { updateRefs } from "../git_interface/refs.ts";
import { encodeEnvelope } from "../manifest/envelope.ts";
import type { Manifest, PackRef, SignedManifest } from "../manifest/types.ts";
import type { RepoPaths } from "./repo_paths.ts";
import { type RepoState, writeState } from "./repo_state.ts";
import { tidyPacks } from "./tidy.ts";

/** A pack with its index, ready to be moved into the store. */
export interface AddedPack {
  readonly pack: PackRef;
  readonly packPath: string;
  readonly idxPath: string;
}

/**
 * Moves new packs in and makes the manifest the current one.
 *
 * @param packs what the repository will consist of, in an order in which none needs a later one
 * @param added those of them that are not in the object directory yet
 * @param state the state so far
 * @throws {StoreError}
 */
export async function commitManifest(
  paths: RepoPaths,
  signed: SignedManifest,
  packs: readonly PackRef[],
  added: readonly AddedPack[],
  state: RepoState,
): Promise<void> {
  for (const { pack, packPath, idxPath } of added) {
    await Deno.chmod(packPath, 0o444);
    await moveFile(packPath, paths.pack(pack.sha256));
    await moveFile(idxPath, paths.idx(pack.sha256)); // last: git sees a pack by its index
  }
  if (added.length > 0) await syncDirectory(paths.packs);
  const next: RepoState = {
    ...state,
    sequence: Math.max(state.sequence, signed.manifest.sequence),
    packs: [...packs, ...without(state.packs, packs)],
  };
  await writeState(paths.state, next);
  await writeFileAtomic(paths.manifest, encodeEnvelope(signed));
  await settle(paths, signed.manifest, next);
}

/**
 * Does all that follows from the manifest: refs, HEAD, and retiring the packs that it doesn't list,
 * unless they hold what packs of the manifest have that were never fetched.
 *
 * @throws {StoreError}
 */
export async function settle(
  paths: RepoPaths,
  manifest: Manifest,
  state: RepoState,
): Promise<void> {
  await updateRefs(paths.root, manifest.refs, manifest.head);
  const complete = without(manifest.packs, state.packs).length === 0;
  const settled = complete ? retireOthers(manifest, state) : state;
  await writeState(paths.state, settled);
  await tidyPacks(paths, settled);
}

function retireOthers(manifest: Manifest, state: RepoState): RepoState {
  const since = Math.floor(Date.now() / 1000);
  const retired = without(state.packs, manifest.packs).map((pack) => ({ pack, since }));
  const again = new Set(state.packs.map(({ sha256 }) => sha256));
  return {
    ...state,
    packs: manifest.packs,
    retired: [...state.retired.filter(({ pack }) => !again.has(pack.sha256)), ...retired],
  };
}

function without(packs: readonly PackRef[], others: readonly PackRef[]): PackRef[] {
  const names = new Set(others.map(({ sha256 }) => sha256));
  return packs.filter(({ sha256 }) => !names.has(sha256));
}
