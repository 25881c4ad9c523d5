/**
 * From a working repository to its publication.
 *
 * @module
 */
import type { Home } from "../../common/home.ts";
import { RequestError } from "../../common/errors.ts";
import type { Wait } from "../../common/wait.ts";
import { readRepositorySettings } from "../../shares/repository_settings.ts";
import { renameShared } from "../../shares/share.ts";
import { Shares } from "../../shares/shares.ts";
import { whyVanished } from "../../shares/vanished_branch.ts";
import { refNameFault } from "../../manifest/ref_name.ts";
import type { Manifest } from "../../manifest/types.ts";
import type { StoredRepository } from "../../store/stored_repository.ts";
import {
  buildOnNewest,
  divergence,
  dropSettled,
  finishJoining,
  giveUpAwaited,
} from "../follow/own_machines.ts";
import { changeRepository, type EngineParts } from "../parts.ts";
import { ownAddresses, publishedManifest, type PublishOutcome, publishState } from "./publish.ts";
import { isOtherHistory } from "./other_history.ts";
import { withdrawSource } from "./withdraw.ts";
import {
  type Joined,
  joinPublished,
  lastSeen,
  readSharedState,
  type SharedState,
} from "./working_repository.ts";

/** How a working repository is published. */
export interface PublishOptions {
  /** Whatever is published now, by whom it may be: readers get what is here instead. */
  readonly replace?: boolean;
  /** Publish only if refs have changed. */
  readonly refsOnly?: boolean;
}

/**
 * Publishes what the working repository shares now, and tells the networks. One that shares nothing
 * any more leaves the store and the networks.
 *
 * @param gitDir its common git directory
 * @throws {RequestError} "other-history" if it has nothing in common with what is published
 * @throws {NetworkError} "newer-elsewhere"
 */
export async function publishShared(
  parts: EngineParts,
  gitDir: string,
  wait: Wait,
  { replace = false, refsOnly }: PublishOptions = {},
): Promise<PublishOutcome> {
  if (await sharesNothing(parts.home, gitDir)) return await withdrawSource(parts, gitDir, wait);
  const before = await readSharedState(gitDir, wait.signal);
  const { name } = before.settings;
  const repository = parts.store.repository(parts.key.publicKeyHex, name);
  const builtOn = replace ? await giveUpAwaited(parts, repository, wait) : {};
  // Branches may have moved while others were asked.
  const hasWaited = replace || await buildOnNewest(parts, name, wait);
  const now = hasWaited ? await readSharedState(gitDir, wait.signal) : before;
  const state = await followRenames(parts, gitDir, repository, now, wait.signal);
  const { description, flow = "both" } = state.settings;
  const { signed, changed, warnings, diverged } = await changeRepository(
    parts,
    repository,
    wait,
    async () => {
      await publishedManifest(repository, state.objectFormat); // another format is refused, first
      // Mended: git compares histories in it.
      if (await repository.exists()) await repository.create(state.objectFormat);
      const joinedMachines = !replace && await finishJoining(parts, repository, wait);
      const published = await publishedManifest(repository, state.objectFormat);
      const joined = replace
        ? replaced(state)
        : await joinKnown(state, gitDir, repository, published, wait.signal);
      const outcome = await publishState(parts, repository, {
        refs: joined.refs,
        head: state.head,
        objectFormat: state.objectFormat,
        description,
        flow,
        objectDirs: state.objectDirs,
        fromScratch: joined.unshared,
        builtOn,
        refsOnly,
      }, wait);
      await repository.writeState({ role: "published", sources: { [gitDir]: joined.seen } });
      const settled = [...state.refs.keys()].filter((ref) => !joined.diverged.includes(ref));
      await dropSettled(repository, settled);
      const changed = outcome.changed || joinedMachines;
      return { ...outcome, changed, warnings: joined.warnings, diverged: joined.diverged };
    },
  );
  // gtd may have seen the change first, and be telling the networks at this moment.
  const failures = changed
    ? await parts.seeder.offer(repository)
    : await parts.seeder.catchUp(repository);
  return {
    addresses: ownAddresses(parts, name),
    sequence: signed.manifest.sequence,
    changed,
    warnings: [
      ...warnings,
      ...(parts.unopened ?? []).map((why) => `not published on ${why}`),
      ...failures.map((why) => `not announced on ${why}`),
    ],
    diverged: diverged.map((ref) => divergence(parts, name, ref)),
  };
}

/** Joins with what is published, unless that is another repository altogether. */
async function joinKnown(
  state: SharedState,
  gitDir: string,
  repository: StoredRepository,
  published: Manifest | undefined,
  signal: AbortSignal,
): Promise<Joined> {
  for (const [ref, oid] of state.refs) {
    const there = published?.refs[ref];
    if (!ref.startsWith("refs/heads/") || there === undefined) continue;
    if (!await isOtherHistory(state, gitDir, repository.path, { here: oid, there }, signal)) {
      continue;
    }
    const { name } = repository;
    throw new RequestError(
      "other-history",
      `can't publish ${name}: its ${ref} has nothing in common with what is published as ${name}`,
      {
        hint: "gtr init --replace puts it in its place, for all readers; " +
          `gtr remove --repository ${name} frees the folder for another name`,
      },
    );
  }
  const joined = await joinPublished(state, gitDir, repository, published, signal);
  const before = Object.keys(published?.refs ?? {});
  if (before.length === 0 || Object.keys(joined.refs).length > 0 || joined.unshared) return joined;
  // An empty repository is what a mistake leaves more often than what somebody wants to publish.
  const gone = state.settings.branches.map((ref) => ref.replace(/^refs\/heads\//, "")).join(", ");
  return {
    ...joined,
    refs: { ...published!.refs },
    seen: await lastSeen(repository, gitDir),
    warnings: [
      ...joined.warnings,
      `${gone} is gone from ${gitDir} and stays published: gtr share <branch> shares another, ` +
      `gtr remove --repository ${repository.name} ends it`,
    ],
  };
}

function replaced(state: SharedState): Joined {
  const refs = Object.fromEntries(state.refs);
  return { refs, seen: refs, warnings: [], diverged: [], unshared: true };
}

/** The shared state, after branches that were renamed are shared under their new names. */
async function followRenames(
  parts: EngineParts,
  gitDir: string,
  repository: StoredRepository,
  state: SharedState,
  signal: AbortSignal,
): Promise<SharedState> {
  const seen = await lastSeen(repository, gitDir);
  const { branches } = state.settings;
  const missing = branches.filter((ref) => !state.existing.has(ref) && seen[ref] !== undefined);
  if (missing.length === 0) return state;
  const unshared = new Map(
    [...state.existing].filter(([ref]) => ref.startsWith("refs/heads/") && !branches.includes(ref)),
  );
  const kept = new Map<string, string>();
  let renamed = false;
  for (const ref of missing) {
    const vanished = await whyVanished(gitDir, ref, unshared, seen[ref], signal);
    if (vanished.why === "unreadable") kept.set(ref, "git can't read it here (see git fsck)");
    if (vanished.why !== "renamed") continue;
    const fault = refNameFault(vanished.to);
    if (fault !== undefined) {
      kept.set(ref, `it is ${vanished.to} now, and can't be published as that: ${fault}`);
      continue;
    }
    await renameShared(parts.home, gitDir, ref, vanished.to, signal);
    unshared.delete(vanished.to);
    parts.log(`${ref} of ${repository.name} is now ${vanished.to}`);
    renamed = true;
  }
  return { ...renamed ? await readSharedState(gitDir, signal) : state, kept };
}

/** Whether the last branch was taken out of sharing, or the folder is off the list altogether. */
async function sharesNothing(home: Home, gitDir: string): Promise<boolean> {
  const settings = await readRepositorySettings(gitDir);
  if (settings) return settings.branches.length === 0;
  return (await new Shares(home).list()).every((share) => share.gitDir !== gitDir);
}
