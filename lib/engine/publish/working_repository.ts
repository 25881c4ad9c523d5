/**
 * What a working repository wants published, and how that joins what is published already.
 *
 * @module
 */
import { realpath } from "node:fs/promises";
import { join } from "node:path";
import { RequestError } from "../../common/errors.ts";
import {
  readRepositorySettings,
  type RepositorySettings,
} from "../../shares/repository_settings.ts";
import { refsFault, sharedRefs } from "../../shares/shared_refs.ts";
import { headTarget, isAncestor } from "../../git_interface/refs.ts";
import { runGit } from "../../git_interface/run.ts";
import type { Manifest, ObjectFormat } from "../../manifest/types.ts";
import type { StoredRepository } from "../../store/stored_repository.ts";

/** The shared part of a working repository, as it is now. */
export interface SharedState {
  readonly settings: RepositorySettings;
  /** The shared refs. */
  readonly refs: ReadonlyMap<string, string>;
  /** Refs that git allows and a manifest doesn't hold -> why. */
  readonly skipped: ReadonlyMap<string, string>;
  /** Every branch and tag there is, shared or not -> object id. */
  readonly existing: ReadonlyMap<string, string>;
  /** Shared branches that are gone, of which what was published stays -> why. */
  readonly kept?: ReadonlyMap<string, string>;
  /** The branch that readers get first. */
  readonly head: string;
  readonly objectFormat: ObjectFormat;
  readonly objectDirs: readonly string[];
}

/**
 * Reads settings and refs of the repository whose common git directory is `gitDir`.
 *
 * @throws {RequestError} "not-shared" if `gtr init` or `gtr share` has not been there;
 * "too-many-refs"
 */
export async function readSharedState(gitDir: string, signal: AbortSignal): Promise<SharedState> {
  const settings = await readRepositorySettings(gitDir);
  if (!settings && !await isFolder(gitDir)) {
    throw new RequestError("folder-gone", `can't publish ${gitDir}: this folder is gone`, {
      hint: "gtr init where it is now, or gtr remove --repository <name>",
    });
  }
  if (!settings || settings.branches.length === 0) {
    throw new RequestError("not-shared", `can't publish ${gitDir}: no branch of it is shared`, {
      hint: "gtr init, or gtr share <branch>",
    });
  }
  const { refs, skipped, existing } = await sharedRefs(gitDir, settings, signal);
  checkRefs(settings.name, [...refs.keys()]);
  const format = await runGit(["rev-parse", "--show-object-format"], { gitDir, signal });
  return {
    settings,
    refs,
    skipped,
    existing,
    head: await defaultBranch(gitDir, settings.branches, refs, signal),
    objectFormat: format.stdout.trim() === "sha256" ? "sha256" : "sha1",
    objectDirs: [join(await realpath(gitDir), "objects")],
  };
}

/**
 * Before any work is done, and in words of its own.
 *
 * @throws {RequestError} "too-many-refs" if a manifest can't hold them
 */
export function checkRefs(name: string, refs: readonly string[]): void {
  const fault = refsFault(refs);
  if (fault === undefined) return;
  throw new RequestError("too-many-refs", `can't publish ${name}: ${fault}`, {
    hint: "share fewer branches, or delete tags that nobody needs: git tag -d <tag>",
  });
}

/**
 * The branch that was shared first, whatever is checked out. Once that is renamed or deleted, the
 * one that is checked out, else any: readers can do nothing with a HEAD that names no branch.
 */
async function defaultBranch(
  gitDir: string,
  branches: readonly string[],
  refs: ReadonlyMap<string, string>,
  signal: AbortSignal,
): Promise<string> {
  const first = branches[0]!;
  const there = branches.filter((branch) => refs.has(branch));
  if (there.length === 0 || refs.has(first)) return first;
  const current = await headTarget(gitDir, signal);
  return there.find((branch) => branch === current) ?? there[0]!;
}

/** The refs to publish, and what could not be joined. */
export interface Joined {
  readonly refs: Record<string, string>;
  /** What to remember as last seen. A diverged ref stays as it was before it diverged. */
  readonly seen: Record<string, string>;
  readonly warnings: readonly string[];
  /** Refs that are not published, since what is published went another way. */
  readonly diverged: readonly string[];
  /** A ref was taken out of sharing: its objects must leave the store. */
  readonly unshared: boolean;
}

/** {@linkcode joinRefs} with what the store has of the repository. */
export async function joinPublished(
  now: SharedState,
  gitDir: string,
  repository: StoredRepository,
  published: Manifest | undefined,
  signal: AbortSignal,
): Promise<Joined> {
  return await joinRefs(
    now,
    await lastSeen(repository, gitDir),
    published?.refs ?? {},
    { gitDir: repository.path, signal },
  );
}

/** The shared refs as they were when the working repository was last read. */
export async function lastSeen(
  repository: StoredRepository,
  gitDir: string,
): Promise<Readonly<Record<string, string>>> {
  const { sources } = await repository.state();
  // A folder that was moved, or another that takes over the name, goes on from there.
  return sources[gitDir] ?? Object.assign({}, ...Object.values(sources));
}

/**
 * Joins the working repository's refs with the published ones, knowing what the working repository
 * had when it was last read. A ref is published when it changed there; what was pushed to the address
 * meanwhile is kept, unless the working repository has gone on from it.
 */
export async function joinRefs(
  now: SharedState,
  lastSeen: Readonly<Record<string, string>>,
  published: Readonly<Record<string, string>>,
  store: { gitDir: string; signal: AbortSignal },
): Promise<Joined> {
  const diverged: string[] = [];
  const refs: Record<string, string> = { ...published };
  const seen: Record<string, string> = Object.fromEntries(now.refs);
  const warnings = [
    ...[...now.skipped].map(([name, why]) => `${name} is not shared: ${why}`),
    ...[...now.kept ?? []].map(([name, why]) => `${name} stays published as it was: ${why}`),
  ];
  let unshared = false;
  const contains = (newer: string, older: string) =>
    isAncestor(store.gitDir, older, newer, {
      alternates: now.objectDirs,
      signal: store.signal,
    });

  for (const name of new Set([...now.refs.keys(), ...Object.keys(lastSeen)])) {
    const here = now.refs.get(name);
    const before = lastSeen[name];
    const there = published[name];
    if (here === undefined) {
      if (now.kept?.has(name)) {
        if (before !== undefined) seen[name] = before;
        continue;
      }
      if (there === undefined) continue;
      const withdrawn = isWithdrawn(name, now);
      // Deleted here: deleted there too, unless a push has moved it since.
      if (withdrawn || there === before) delete refs[name];
      unshared ||= withdrawn;
    } else if (here !== before && here !== there) {
      if (there === undefined || there === before || await contains(here, there)) {
        refs[name] = here;
      } else if (!await contains(there, here)) {
        if (before === undefined) delete seen[name];
        else seen[name] = before;
        diverged.push(name);
      }
    }
  }
  return { refs, seen, warnings, diverged, unshared };
}

/** Whether a ref that is no longer shared was taken out of sharing rather than deleted. */
function isWithdrawn(name: string, now: SharedState): boolean {
  if (now.existing.has(name)) return true;
  return name.startsWith("refs/heads/") && !now.settings.branches.includes(name);
}

async function isFolder(path: string): Promise<boolean> {
  return await Deno.stat(path).then(({ isDirectory }) => isDirectory, () => false);
}
