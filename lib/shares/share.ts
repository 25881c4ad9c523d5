/**
 * What is shared: the user's list of shares joined with each repository's own settings.
 *
 * @module
 */
import { RequestError } from "../common/errors.ts";
import type { Home } from "../common/home.ts";
import { headTarget } from "../git_interface/refs.ts";
import { checkRepositoryName } from "../identity/address.ts";
import type { Flow } from "../manifest/flow.ts";
import { refNameFault } from "../manifest/ref_name.ts";
import { defaultName, type RepositoryLocation } from "./find_gitdir.ts";
import {
  readRepositorySettings,
  type RepositorySettings,
  writeRepositorySettings,
} from "./repository_settings.ts";
import { type Share, Shares } from "./shares.ts";

/** A shared repository with its settings; these are missing where its folder is gone. */
export interface SharedRepository extends Share {
  readonly settings?: RepositorySettings;
}

/** What {@linkcode shareRepository} is asked for. */
export interface ShareRequest {
  /** Full names of branches to add. */
  readonly branches: readonly string[];
  /** Default: the name it has, else its folder's. */
  readonly name?: string;
  readonly description?: string;
  readonly tags?: "reachable" | "all";
  readonly flow?: Flow;
}

/** Everything this user shares. */
export async function listShared(home: Home): Promise<SharedRepository[]> {
  const shares = await new Shares(home).list();
  return await Promise.all(shares.map(async (share) => ({
    ...share,
    settings: await readRepositorySettings(share.gitDir),
  })));
}

/**
 * Shares a repository, or changes what is shared of it. The same request twice changes nothing.
 *
 * @returns the settings now in force
 * @throws {RequestError} "name-taken", "already-shared" (under another name), "no-name",
 * "bad-branch-name"
 */
export async function shareRepository(
  home: Home,
  where: RepositoryLocation,
  request: ShareRequest,
  signal: AbortSignal,
): Promise<RepositorySettings> {
  checkBranchNames(request.branches);
  const shares = new Shares(home);
  using _lock = await shares.lock(signal);
  const listed = await shares.list();
  const before = await readRepositorySettings(where.commonDir);
  const name = await chooseName(where, listed, request.name, before?.name);
  const after: RepositorySettings = {
    ...before,
    version: 1,
    name,
    description: request.description ?? before?.description,
    branches: [...new Set([...before?.branches ?? [], ...request.branches])],
    tags: request.tags ?? before?.tags ?? "reachable",
    flow: request.flow ?? before?.flow,
  };
  if (JSON.stringify(after) !== JSON.stringify(before)) {
    await writeRepositorySettings(where.commonDir, after);
  }
  await shares.add({ gitDir: where.commonDir, name });
  return after;
}

function checkBranchNames(branches: readonly string[]): void {
  for (const branch of branches) {
    const fault = refNameFault(branch);
    if (fault === undefined) continue;
    throw new RequestError("bad-branch-name", `can't share ${shortBranch(branch)}: ${fault}`, {
      hint: "share it under another name: git branch <new name> <this one>, then that",
    });
  }
}

/**
 * Takes branches out of the settings. Without any left the repository is no longer shared, and keeps
 * its name and description for the next time; {@linkcode unlist} it once it is withdrawn.
 *
 * @param branches full names
 * @returns the settings now in force
 * @throws {RequestError} "not-shared"
 */
export async function stopSharing(
  home: Home,
  commonDir: string,
  branches: readonly string[],
  signal: AbortSignal,
): Promise<RepositorySettings> {
  const shares = new Shares(home);
  using _lock = await shares.lock(signal);
  const listed = (await shares.list()).some((share) => share.gitDir === commonDir);
  const before = listed ? await readRepositorySettings(commonDir) : undefined;
  const missing = branches.find((branch) => !before?.branches.includes(branch));
  if (!before || missing !== undefined) {
    const what = missing === undefined ? "this repository" : shortBranch(missing);
    const shared = before?.branches.map(shortBranch).join(", ");
    throw new RequestError("not-shared", `can't stop sharing ${what}: it is not shared`, {
      hint: shared ? `shared here: ${shared}` : "gtr list shows what is shared",
    });
  }
  const left = before.branches.filter((branch) => !branches.includes(branch));
  // The first is what readers get by default. Where that goes, say after a rename, the branch that
  // is checked out follows it rather than the one that happens to be next.
  const current = left.length > 1 && left[0] !== before.branches[0]
    ? await headTarget(commonDir, signal)
    : undefined;
  const isCurrent = (branch: string) => branch === current;
  const after = {
    ...before,
    branches: [...left.filter(isCurrent), ...left.filter((branch) => !isCurrent(branch))],
  };
  await writeRepositorySettings(commonDir, after);
  return after;
}

/** Shares a branch under its new name. */
export async function renameShared(
  home: Home,
  commonDir: string,
  from: string,
  to: string,
  signal: AbortSignal,
): Promise<void> {
  using _lock = await new Shares(home).lock(signal);
  const settings = await readRepositorySettings(commonDir);
  if (!settings?.branches.includes(from)) return;
  const branches = [...new Set(settings.branches.map((name) => name === from ? to : name))];
  await writeRepositorySettings(commonDir, { ...settings, branches });
}

/**
 * Takes a repository off the list of shares if it shares nothing. Until then gtd, whenever it
 * starts, still finds it there and withdraws what is published.
 */
export async function unlist(home: Home, commonDir: string, signal: AbortSignal): Promise<void> {
  const shares = new Shares(home);
  using _lock = await shares.lock(signal);
  const settings = await readRepositorySettings(commonDir);
  if (!settings?.branches.length) await shares.remove(commonDir);
}

/** Puts a repository back on the list, unless its name is in use again. */
export async function relist(home: Home, share: Share, signal: AbortSignal): Promise<void> {
  const shares = new Shares(home);
  using _lock = await shares.lock(signal);
  if (!(await shares.list()).some(({ name }) => name === share.name)) await shares.add(share);
}

/**
 * The share with this name.
 *
 * @throws {RequestError} "not-shared"
 */
export async function findShared(home: Home, name: string): Promise<SharedRepository> {
  const found = (await listShared(home)).find((share) => share.name === name);
  if (found) return found;
  throw new RequestError("not-shared", `can't find ${name}: no repository is shared as that`, {
    hint: "gtr list shows what is shared",
  });
}

/** "main" for "refs/heads/main". */
export function shortBranch(ref: string): string {
  return ref.replace(/^refs\/heads\//, "");
}

/** "refs/heads/main" for "main"; a full name stays as it is. */
export function fullBranch(name: string): string {
  return name.startsWith("refs/heads/") ? name : `refs/heads/${name}`;
}

async function chooseName(
  where: RepositoryLocation,
  listed: readonly Share[],
  wanted: string | undefined,
  previous: string | undefined,
): Promise<string> {
  const mine = listed.find((s) => s.gitDir === where.commonDir);
  const name = wanted ?? mine?.name ?? previous ?? defaultName(where);
  if (name === "") {
    throw new RequestError("no-name", `can't name the repository after its folder`, {
      hint: "choose a name of letters, digits, '.', '_' and '-': gtr init --name <name>",
    });
  }
  checkRepositoryName(name);
  if (mine && mine.name !== name) {
    throw new RequestError(
      "already-shared",
      `can't share this repository as ${name}: it is shared as ${mine.name}`,
      { hint: `to give it a new address: gtr remove --repository ${mine.name}, then this again` },
    );
  }
  const holder = listed.find((s) => s.name === name && s.gitDir !== where.commonDir);
  // A name is free again where its folder is gone, moved, or shares nothing any more.
  if (holder && (await readRepositorySettings(holder.gitDir))?.branches.length) {
    throw new RequestError(
      "name-taken",
      `can't share this repository as ${name}: ${holder.gitDir} is shared under that name`,
      { hint: "choose another name: gtr init --name <name>" },
    );
  }
  return name;
}
