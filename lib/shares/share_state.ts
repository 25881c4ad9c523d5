/**
 * How far what a repository shares has been published.
 *
 * @module
 */
import { join } from "node:path";
import { isAncestor, listRefs } from "../git_interface/refs.ts";
import type { StoredRepository } from "../store/stored_repository.ts";
import { readRepositorySettings } from "./repository_settings.ts";
import { refsFault, sharedRefs } from "./shared_refs.ts";
import type { Share } from "./shares.ts";

/** The state of one share. */
export interface ShareState {
  /** The folder isn't there, or is no shared repository any more. */
  readonly gone: boolean;
  /** Full names of branches whose newest commit is not published. */
  readonly pending: readonly string[];
  /** Those that can't be, since something else was pushed to the address. */
  readonly diverged: readonly string[];
  readonly branches: readonly string[];
}

/** Why what a repository shares can't be published as it is. */
export interface ShareFaults {
  /** Why nothing of it can. */
  readonly all?: string;
  /** Refs that can't, and why, one line each. */
  readonly some: readonly string[];
}

/** Looks for what publishing would refuse, whether gtd runs or not. */
export async function shareFaults({ gitDir }: Share, signal: AbortSignal): Promise<ShareFaults> {
  const settings = await readRepositorySettings(gitDir);
  if (!settings?.branches.length) return { some: [] };
  const { refs, skipped } = await sharedRefs(gitDir, settings, signal);
  const some = [...skipped].map(([name, why]) => `${name} is not shared: ${why}`);
  return { all: refsFault([...refs.keys()]), some };
}

/**
 * Compares a shared repository with what the store has published of it.
 *
 * @throws {RequestError} "bad-repository-settings"
 */
export async function shareState(
  { gitDir }: Share,
  stored: StoredRepository,
  signal: AbortSignal,
): Promise<ShareState> {
  const settings = await readRepositorySettings(gitDir);
  if (!settings) return { gone: true, pending: [], diverged: [], branches: [] };
  const { branches } = settings;
  const here = branches.length > 0 ? await listRefs(gitDir, branches, signal) : new Map();
  const published = (await stored.usableManifest())?.manifest.refs ?? {};
  const seen = (await stored.state()).sources[gitDir] ?? {};
  const contains = (newer: string, older: string) =>
    isAncestor(stored.path, older, newer, { alternates: [join(gitDir, "objects")], signal });
  const pending: string[] = [];
  const diverged: string[] = [];
  for (const branch of branches) {
    const [now, there, before] = [here.get(branch), published[branch], seen[branch]];
    if (now === undefined || now === there || now === before) continue;
    if (there === undefined || there === before || await contains(now, there)) pending.push(branch);
    else if (!await contains(there, now)) diverged.push(branch);
  }
  return { gone: false, pending, diverged, branches };
}
