/**
 * One identity on several machines: what another of them has published is taken over, and what both
 * published without knowing of each other is joined, so that nothing is overwritten unseen.
 *
 * @module
 */
import { NetworkError, toGtrError } from "../../common/errors.ts";
import { deadline, type Wait } from "../../common/wait.ts";
import { divergence as divergenceOf } from "../../shares/divergence.ts";
import { isAncestor } from "../../git_interface/refs.ts";
import { formatAddress, type RepoAddress } from "../../identity/address.ts";
import type { Manifest, SignedManifest } from "../../manifest/types.ts";
import { joinWriters, standing, type Writers, writersOf } from "../../manifest/writers.ts";
import type { Joining, RepoState } from "../../store/repo_state.ts";
import type { StoredRepository } from "../../store/stored_repository.ts";
import { ANY_NETWORK } from "../../transports/known.ts";
import { joinMachines } from "./join_machines.ts";
import { changeRepository, type EngineParts } from "../parts.ts";
import { publishState } from "../publish/publish.ts";
import { askForOwn } from "../fetch/resolve.ts";
import { syncRepository } from "../fetch/sync.ts";

/** How long a first publication looks for one of another machine's, in milliseconds. */
const FIRST_LOOK_MS = 5000;

/**
 * Asks the networks for one's own repository `name`, and brings what another machine has published
 * into the store.
 *
 * @returns whether the store has changed
 * @throws {NetworkError} "newer-elsewhere" if there is something that nobody online has
 */
export async function catchUpWithMachines(
  parts: EngineParts,
  name: string,
  wait: Wait,
): Promise<boolean> {
  const repository = parts.store.repository(parts.key.publicKeyHex, name);
  const address = ownAddress(parts, name);
  const { best, answered } = await askForOwn(parts, address, await endpoints(repository), wait);
  if (best) await noteNewer(parts, repository, best, wait);
  const awaited = await missing(repository);
  if (awaited) {
    if (!best || best.manifest.sequence < awaited.sequence) throw newerElsewhere(name, awaited);
    const known = { signed: best, publisher: repository.publisher, own: true, answered };
    await syncRepository(parts, address, wait, { known, purpose: "follow" }).catch((error) => {
      wait.signal.throwIfAborted();
      throw newerElsewhere(name, awaited, toGtrError(error).message);
    });
  }
  const joined = () => finishJoining(parts, repository, wait);
  const changed = await changeRepository(parts, repository, wait, joined);
  if (changed) await parts.seeder.offer(repository);
  return changed;
}

/**
 * Looks for what a publication has to build on: the first of a home, and again what a look found and
 * could not be fetched. Else it waits for nothing.
 *
 * @returns whether it has waited
 * @throws {NetworkError} "newer-elsewhere"
 */
export async function buildOnNewest(
  parts: EngineParts,
  name: string,
  wait: Wait,
): Promise<boolean> {
  const repository = parts.store.repository(parts.key.publicKeyHex, name);
  const isNewHere = parts.machine.madeKey !== parts.key.publicKeyHex &&
    await repository.usableManifest() === undefined;
  if (!isNewHere && !await missing(repository)) return false;
  using limit = deadline(FIRST_LOOK_MS, "what other machines have published", wait.signal);
  try {
    await catchUpWithMachines(parts, name, { ...wait, signal: limit.signal });
  } catch (error) {
    wait.signal.throwIfAborted();
    const { code } = toGtrError(error);
    // Nobody answers: it is published, and looked at again once somebody does.
    if (code !== "timed-out" || await missing(repository)) throw error;
  }
  return true;
}

/**
 * Joins what is in the store with what it took the place of, unless that is done: a publication made
 * before would pass for one that knew of both. The caller holds the repository's lock.
 *
 * @returns whether the store has changed
 * @throws {NetworkError} "newer-elsewhere" if what is to be joined is not here yet
 */
export async function finishJoining(
  parts: EngineParts,
  repository: StoredRepository,
  wait: Wait,
): Promise<boolean> {
  const { awaited, displaced } = await repository.state();
  if (!awaited && !displaced) return false;
  const lacking = await missing(repository);
  if (lacking) throw newerElsewhere(repository.name, lacking);
  const signed = await repository.usableManifest();
  if (signed && displaced) await join(parts, repository, signed.manifest, displaced, wait);
  // In one step with the join: after a crash it is done again, or found to be done.
  await repository.writeState({ role: "published", awaited: undefined, displaced: undefined });
  await dropSettled(repository, []);
  return true;
}

/**
 * Gives up what other machines have published, for something that takes its place.
 *
 * @returns what that has to build on, so that those machines take it over
 */
export async function giveUpAwaited(
  parts: EngineParts,
  repository: StoredRepository,
  wait: Wait,
): Promise<Writers> {
  return await changeRepository(parts, repository, wait, async () => {
    const { awaited, displaced } = await repository.state();
    await repository.writeState({ awaited: undefined, sequence: awaited?.sequence });
    await repository.dropDisplaced();
    return joinWriters(awaited?.writers ?? {}, displaced?.writers ?? {});
  });
}

/** What a person should know of a repository that several machines have published, one line each. */
export function divergences(
  parts: EngineParts,
  name: string,
  { awaited, diverged = {} }: RepoState,
): string[] {
  const lines = Object.keys(diverged).map((ref) => divergence(parts, name, ref));
  return awaited ? [newerElsewhere(name, awaited).message, ...lines] : lines;
}

/** Says of a ref that it went another way here than what is published, and what helps. */
export function divergence(parts: EngineParts, name: string, ref: string): string {
  return divergenceOf(ref, formatAddress(ownAddress(parts, name)));
}

/** Remembers that there is something to fetch, and keeps what it takes the place of. */
async function noteNewer(
  parts: EngineParts,
  repository: StoredRepository,
  { manifest }: SignedManifest,
  wait: Wait,
): Promise<void> {
  await changeRepository(parts, repository, wait, async () => {
    const here = (await repository.usableManifest())?.manifest;
    if (here && here.sequence >= manifest.sequence) return;
    await repository.create(manifest.objectFormat);
    const { displaced } = await repository.state();
    const isKnown = !here || standing(writersOf(here), writersOf(manifest)) === "behind";
    if (!isKnown && !displaced) await repository.keepDisplaced(joining(here));
    await repository.writeState({ awaited: joining(manifest) });
    parts.log(`another machine has published ${repository.name}: ${manifest.sequence}`);
  });
}

async function join(
  parts: EngineParts,
  repository: StoredRepository,
  theirs: Manifest,
  displaced: Joining,
  wait: Wait,
): Promise<void> {
  // Published just before a crash, that joined them already.
  if (standing(displaced.writers, writersOf(theirs)) === "behind") return;
  const objectDirs = [repository.displacedPath];
  const contains = (newer: string, older: string) =>
    isAncestor(repository.path, older, newer, { alternates: objectDirs, signal: wait.signal });
  const { refs, diverged } = await joinMachines(displaced.refs, theirs.refs, contains);
  const state = await repository.state();
  const sources = Object.fromEntries(
    Object.entries(state.sources).map(([gitDir, seen]) => [gitDir, without(seen, diverged)]),
  );
  // First: after a crash it would not be known any more.
  await repository.writeState({ sources, diverged: { ...state.diverged, ...diverged } });
  const { head, objectFormat } = theirs;
  const wanted = { refs, head, objectFormat, objectDirs, builtOn: displaced.writers };
  await publishState(parts, repository, { ...wanted, refsOnly: true }, wait);
  for (const ref of Object.keys(diverged)) {
    parts.log(`${repository.name}: ${divergence(parts, repository.name, ref)}`);
  }
}

/**
 * Forgets divergences of which a person has decided, and their objects once there are none left.
 *
 * @param settled refs
 */
export async function dropSettled(
  repository: StoredRepository,
  settled: readonly string[],
): Promise<void> {
  const { displaced, diverged } = await repository.state();
  if (displaced || !diverged) return;
  const left = Object.entries(diverged).filter(([ref]) => !settled.includes(ref));
  if (left.length === 0) await repository.dropDisplaced();
  else await repository.writeState({ diverged: Object.fromEntries(left) });
}

/** What another machine has published and is not here yet. */
async function missing(repository: StoredRepository): Promise<Joining | undefined> {
  const { awaited } = await repository.state();
  if (!awaited) return undefined;
  const here = (await repository.usableManifest())?.manifest;
  return here && here.sequence >= awaited.sequence ? undefined : awaited;
}

function joining(manifest: Manifest): Joining {
  const { sequence, refs } = manifest;
  return { sequence, refs: { ...refs }, writers: { ...writersOf(manifest) } };
}

function without(
  seen: Readonly<Record<string, string>>,
  diverged: Readonly<Record<string, string>>,
): Record<string, string> {
  return Object.fromEntries(Object.entries(seen).filter(([ref]) => !Object.hasOwn(diverged, ref)));
}

function ownAddress({ key, networks }: EngineParts, name: string): RepoAddress {
  const scheme = networks[0]?.scheme ?? ANY_NETWORK;
  return { scheme, id: key.id, publicKey: key.publicKeyHex, name };
}

async function endpoints(repository: StoredRepository): Promise<Manifest["endpoints"] | undefined> {
  return (await repository.usableManifest())?.manifest.endpoints;
}

function newerElsewhere(name: string, { sequence }: Joining, why?: string): NetworkError {
  return new NetworkError(
    "newer-elsewhere",
    `can't publish ${name}: another machine with your key has published ${sequence}, ` +
      `which can't be fetched${why === undefined ? "" : `: ${why}`}`,
    { hint: "bring that machine online, or give up what it published: gtr init --replace" },
  );
}
