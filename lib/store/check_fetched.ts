/**
 * Checking what was fetched before it becomes part of the store.
 *
 * @module
 */
import { VerificationError } from "../common/errors.ts";
import { packGroups } from "../manifest/pack_groups.ts";
import type { Manifest, PackRef } from "../manifest/types.ts";
import type { PackFile } from "../manifest/pack_file.ts";
import { arrangePacks } from "./arrange.ts";
import type { AddedPack } from "./commit_manifest.ts";
import type { EarlyIndex } from "./early_index.ts";
import type { Checks, Quarantine } from "./quarantine.ts";
import type { RepoPaths } from "./repo_paths.ts";
import { remove } from "./tidy.ts";

/** How fetched packs are checked. */
export interface AcceptOptions extends Checks {
  /** Begun with the first of the fetched packs, into an empty repository. */
  readonly early?: EarlyIndex;
}

/**
 * Checks each new pack's bytes and objects, and that nothing is missing behind any ref. A file that
 * proves bad is removed, also one that was in the store: the next fetch brings it anew.
 *
 * @param options `early`: the first pack's index, if it was made while the pack arrived
 * @param stored packs of the repository's state; `whole` are those of them that are on disk
 * @returns what the repository is to consist of, and those of these that were fetched, in files that
 * last as long as the quarantine and `early`
 * @throws {VerificationError} "wrong-pack", "bad-pack", "missing-objects", "bad-refs", "over-budget"
 * @throws {StoreError} "disk-full"
 */
export async function checkFetched(
  paths: RepoPaths,
  quarantine: Quarantine,
  manifest: Manifest,
  stored: readonly PackRef[],
  whole: readonly PackFile[],
  fetched: readonly PackFile[],
  options: AcceptOptions,
): Promise<{ readonly packs: readonly PackRef[]; readonly added: readonly AddedPack[] }> {
  const held = new Set(whole.map(({ pack }) => pack.sha256));
  const files = new Map([...fetched, ...whole].map(({ pack, path }) => [pack.sha256, path]));
  const { packs, trusted } = arrangePacks(manifest, stored, held, new Set(files.keys()));
  const pathOf = ({ sha256 }: PackRef) => files.get(sha256) ?? paths.pack(sha256);
  const added: AddedPack[] = [];
  for (const pack of packs.slice(0, trusted)) {
    await quarantine.addTrusted(pack, pathOf(pack), paths.idx(pack.sha256));
  }
  for (const group of packGroups(packs.slice(trusted))) {
    const open: PackRef[] = [];
    for (const pack of group) {
      const path = pathOf(pack);
      const early = pack === packs[0] && options.early?.pack === pack ? options.early : undefined;
      await orRemove(path, async () => {
        const done = await early?.finish(options.signal);
        if (early) options.trace?.(done ? "indexed while it came" : "not indexed while it came");
        if (done) {
          await quarantine.addTrusted(pack, done.packPath, done.idxPath);
          added.push({ pack, ...done });
          return;
        }
        const part = pack === group.at(-1)
          ? { ...await quarantine.add(pack, path, options), open: false }
          : await quarantine.addPart(pack, path, { ...options, likely: open.length > 0 });
        if (part.open) open.push(pack);
        options.trace?.(`pack ${pack.sha256.slice(0, 12)} checked and indexed`);
        if (!held.has(pack.sha256)) {
          added.push({ pack, packPath: part.packPath, idxPath: part.idxPath });
        }
      });
    }
    for (const pack of open) {
      await orRemove(pathOf(pack), () => quarantine.finish(pack, options));
    }
  }
  await quarantine.checkTips(manifest, options.signal);
  options.trace?.("refs checked");
  return { packs, added };
}

/** Removes the file at `path` if the work on it finds it bad. */
async function orRemove(path: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    // A person may still want what takes too much.
    const spared = ["missing-objects", "over-budget"];
    const bad = error instanceof VerificationError && !spared.includes(error.code);
    if (bad) await remove(path);
    throw error;
  }
}
