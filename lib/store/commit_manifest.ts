/**
 * Making a checked manifest the current one.
 *
 * The manifest file is the authority. What is done before it is written adds files that nobody
 * looks at; what is done after it follows from it and can be done again after a crash.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { syncDirectory, writeFileAtomic } from "../common/atomic_file.ts";
import { StoreError } from "../common/errors.ts";
import { moveFile } from "../git_interface/place_file.ts";
import { updateRefs } from "../git_interface/refs.ts";
import { encodeEnvelope } from "../manifest/envelope.ts";
import type { Manifest, PackRef, SignedManifest } from "../manifest/types.ts";
import type { PackFile } from "../manifest/pack_file.ts";
import type { RepoPaths } from "./repo_paths.ts";
import { readState, type RepoState, settledState, writeState } from "./repo_state.ts";
import { remove, tidyPacks } from "./tidy.ts";

/** A pack with its index, ready to be moved into the store. */
export interface AddedPack {
  readonly pack: PackRef;
  readonly packPath: string;
  readonly idxPath: string;
}

/**
 * Moves new packs in and makes the manifest the current one. If that fails, the packs are removed.
 * Once it is written, the manifest is in force: a disk that is too full for what follows from it
 * fails nothing, since that is read from the manifest until the next change or start writes it.
 *
 * @param added packs that are not in the object directory yet
 * @param state the state so far
 * @param whole those of its packs that are on disk
 * @param packs what the repository is to consist of, if the manifest doesn't tell
 * @throws {StoreError}
 */
export async function commitManifest(
  paths: RepoPaths,
  signed: SignedManifest,
  added: readonly AddedPack[],
  state: RepoState,
  whole: readonly PackFile[],
  packs?: readonly PackRef[],
): Promise<void> {
  const { sequence } = signed.manifest;
  const envelope = encodeEnvelope(signed);
  const next = { ...state, ...(packs && { planned: { sequence, packs } }) };
  await tidyPacks(paths, state); // a file left by a crash must not be taken for a checked pack
  try {
    for (const { pack, packPath, idxPath } of added) {
      await moveFile(packPath, paths.pack(pack.sha256));
      await moveFile(idxPath, paths.idx(pack.sha256)); // last: git sees a pack by its index
    }
    if (added.length > 0) await syncDirectory(paths.packs);
    // From here on the manifest decides whether the plan is in force; none may be left of before.
    const before = await readState(paths.state).catch(() => undefined);
    if (packs || before?.planned) await writeState(paths.state, next);
    await writeFileAtomic(paths.manifest, envelope);
  } catch (error) {
    // The disk may have failed only once the file was there; then the manifest needs its packs.
    if (await mayBeInForce(paths, envelope)) throw error;
    for (const { pack } of added) {
      await remove(paths.idx(pack.sha256));
      await remove(paths.pack(pack.sha256));
    }
    throw error;
  }
  const atHand = [...whole, ...added].map(({ pack }) => pack);
  try {
    await settle(paths, signed.manifest, settledState(next, signed.manifest, atHand));
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
  }
}

/** Whether the manifest is in place, or can't be seen: then packs stay, and the next change tidies. */
async function mayBeInForce(paths: RepoPaths, envelope: Uint8Array): Promise<boolean> {
  try {
    return Buffer.compare(await Deno.readFile(paths.manifest), envelope) === 0;
  } catch (error) {
    const { NotFound, IsADirectory } = Deno.errors;
    return !(error instanceof NotFound || error instanceof IsADirectory);
  }
}

/**
 * Does all that follows from the manifest: refs, HEAD, and the state's packs.
 *
 * @param state a {@linkcode settledState}
 * @throws {StoreError}
 */
export async function settle(
  paths: RepoPaths,
  manifest: Manifest,
  state: RepoState,
): Promise<void> {
  await updateRefs(paths.root, manifest.refs, manifest.head);
  await writeState(paths.state, state);
  await tidyPacks(paths, state);
}
