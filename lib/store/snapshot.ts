/**
 * What is stored of a repository at one moment, and what follows from it. Pure.
 *
 * @module
 */
import type { SignedManifest } from "../manifest/types.ts";
import type { PackFile } from "../manifest/pack_file.ts";
import { unbroken } from "./arrange.ts";
import type { RepoState } from "./repo_state.ts";

/** A stored repository at one moment. */
export interface Snapshot {
  /** The manifest that was stored last; undefined if there is none, or the file is damaged. */
  readonly signed: SignedManifest | undefined;
  /**
   * The state, brought up to date with the manifest if a crash kept it from being written, and
   * made from it if the file is lost or damaged.
   */
  readonly state: RepoState;
  /**
   * The state's packs that are on disk whole, in an order in which none needs a later one: what a
   * clone is given. They may be others than the manifest's, if those had nothing new.
   */
  readonly packs: readonly PackFile[];
}

/** Whether everything is on disk that the refs of the manifest lead to. */
export function isWhole({ signed, state, packs }: Snapshot): boolean {
  const refs = signed?.manifest.refs ?? {};
  // The state was lost, and with it what the packs were if the manifest only announces.
  if (state.packs.length === 0 && Object.keys(refs).length > 0) return false;
  return packs.length === state.packs.length;
}

/** The packs that are on disk before the first group that has lost one. */
export function completePacks({ state, packs }: Snapshot): readonly PackFile[] {
  const names = new Set(packs.map(({ pack }) => pack.sha256));
  return packs.slice(0, unbroken(state.packs, names).length);
}

/** Object ids that are on disk together with all they lead to. */
export function heldTips(snapshot: Snapshot): Set<string> {
  const tips = new Set(completePacks(snapshot).flatMap(({ pack }) => pack.tips));
  if (!isWhole(snapshot)) return tips;
  return tips.union(new Set(Object.values(snapshot.signed?.manifest.refs ?? {})));
}
