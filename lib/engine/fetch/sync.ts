/**
 * Bringing a repository of someone else's into the store.
 *
 * @module
 */
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { counted } from "../../common/counted.ts";
import { NetworkError, toGtrError, VerificationError } from "../../common/errors.ts";
import { idleDeadline, type Wait } from "../../common/wait.ts";
import { OverBudgetError } from "../../git_interface/budget.ts";
import { fetchChecksObjects } from "../../git_interface/config.ts";
import type { RepoAddress } from "../../identity/address.ts";
import { branchesDiffer } from "../../manifest/branches.ts";
import type { Manifest, PackRef, SignedManifest } from "../../manifest/types.ts";
import type { EarlyIndex, EarlyOptions } from "../../store/early_index.ts";
import { heldTips, isWhole } from "../../store/snapshot.ts";
import type { StoredRepository } from "../../store/stored_repository.ts";
import type { OpenNetwork } from "../../ports/network.ts";
import { chooseFetch } from "./fetch_choice.ts";
import { fetchLive } from "../live/fetch_live.ts";
import { PackSources } from "./fetch_pack.ts";
import { fetchOlder } from "./older.ts";
import { answerTimeout, changeRepository, type EngineParts } from "../parts.ts";
import { unlessRefused } from "./refuse.ts";
import { type Resolved, resolveNewest } from "./resolve.ts";
import { olderWarning } from "./stale.ts";

/** Packs fetched at the same time: more would only share the same line. */
const CONCURRENT_PACKS = 3;

/** Below this a pack is indexed faster than git is started, in bytes. */
const EARLY_INDEX_BYTES = 1 << 20;

/** A repository whose newest known state is whole in the store, but for what was of no concern. */
export interface Synced extends Resolved {
  readonly repository: StoredRepository;
  /** The newest sequence, if that publication changed none of the branches that matter. */
  readonly skipped?: number;
}

/** What is brought into the store, and what for. */
export interface SyncOptions {
  /** One that is used counts as used now, as by default; one that is only kept up to date doesn't. */
  readonly purpose?: "use" | "follow";
  /** Short names: a copy that is whole stays as it is while none of these changes. */
  readonly branches?: readonly string[];
  /** The newest state, if it was found just now. */
  readonly known?: Resolved;
  /** An older publication will do if nobody online has the newest; a warning tells of it. */
  readonly orOlder?: boolean;
  /** Nobody waits for it, so it has to keep to a budget; see {@linkcode unlessRefused}. */
  readonly unattended?: boolean;
}

/** How what is missing is brought here. */
interface Way {
  readonly purpose: "use" | "follow";
  readonly bounded: boolean;
}

/**
 * Resolves `address` and fetches what the store misses. Progress counts bytes of packs; `what`
 * names the pack of how many: "3/7".
 *
 * @throws {NetworkError} nobody has it
 * @throws {VerificationError} what came is not what the publisher signed
 * @throws {RequestError} "over-quota", "refused-pack"
 */
export async function syncRepository(
  parts: EngineParts,
  address: RepoAddress,
  wait: Wait,
  { purpose = "use", branches, known, orOlder = false, unattended = false }: SyncOptions = {},
): Promise<Synced> {
  const resolved = known ?? await resolveNewest(parts, address, wait);
  const { publisher, name } = resolved.signed.manifest;
  const repository = parts.store.repository(publisher, name);
  const networks = sources(parts.networks, address.scheme, resolved);
  const bounded = unattended && publisher !== parts.key.publicKeyHex;
  const signed = await changeRepository(
    parts,
    repository,
    wait,
    async () => {
      wait.trace?.("repository locked");
      const copy = branches && await sufficient(repository, resolved.signed, branches);
      if (copy) return copy;
      const from = { ...parts, networks };
      const way = { purpose, bounded };
      const signed = await bringUpToDate(from, repository, resolved.signed, way, wait)
        .catch(async (error) => {
          if (wait.signal.aborted || !orOlder || !(error instanceof NetworkError)) throw error;
          const { signed } = resolved;
          const older = await fetchOlder(from, repository, signed, error, { ...wait, bounded });
          offerAside(parts, repository);
          return older;
        });
      if (purpose === "use" && !resolved.own) await noteUse(repository);
      return signed;
    },
  );
  const newest = resolved.signed.manifest.sequence;
  if (signed.manifest.sequence >= newest) return { ...resolved, signed, repository };
  if (branches) return { ...resolved, signed, repository, skipped: newest };
  return { ...resolved, signed, repository, warning: olderWarning(resolved.signed, signed) };
}

/** The state in the store, if that is whole and has these branches as they are now. */
async function sufficient(
  repository: StoredRepository,
  { manifest }: SignedManifest,
  branches: readonly string[],
): Promise<SignedManifest | undefined> {
  const snapshot = await repository.snapshot();
  const copy = snapshot.signed;
  if (!copy || branchesDiffer(branches, copy.manifest, manifest)) return undefined;
  return isWhole(snapshot) ? copy : undefined;
}

/**
 * The networks that may have packs: those that knew the manifest come first, and of them the one that
 * the address is of. One in which only a named server has anything is asked if it knew the
 * manifest or the manifest names one.
 */
function sources(
  networks: readonly OpenNetwork[],
  scheme: string,
  { answered, signed: { manifest: { endpoints } } }: Resolved,
): readonly OpenNetwork[] {
  const isOf = (n: OpenNetwork) => n.scheme === scheme;
  const knows = (n: OpenNetwork) => answered.includes(n.scheme);
  const rank = (n: OpenNetwork) => 2 * Number(knows(n)) + Number(isOf(n));
  return networks
    .filter((n) => rank(n) > 0 || n.packs?.searchable || (endpoints[n.scheme]?.length ?? 0) > 0)
    .sort((a, b) => rank(b) - rank(a));
}

/** To the minute: a file is not written each time that git asks. */
async function noteUse(repository: StoredRepository): Promise<void> {
  const now = Math.floor(Date.now() / 1000);
  if (now - (await repository.state()).lastUsed >= 60) {
    await repository.writeState({ lastUsed: now });
  }
}

/** Returns what the store has afterwards: a live peer may have shown something newer. */
async function bringUpToDate(
  parts: EngineParts,
  repository: StoredRepository,
  signed: SignedManifest,
  { purpose, bounded }: Way,
  wait: Wait,
): Promise<SignedManifest> {
  const { manifest } = signed;
  if (await repository.exists()) await repository.create(manifest.objectFormat);
  const snapshot = await repository.snapshot();
  const sequence = snapshot.signed?.manifest.sequence;
  if (sequence !== undefined && sequence > manifest.sequence) return signed;
  if (sequence === manifest.sequence && isWhole(snapshot)) return signed;

  const held = new Set(snapshot.packs.map((file) => file.pack.sha256));
  const objects = heldTips(snapshot);
  const { live, missing } = chooseFetch(manifest, { packs: held, objects }, purpose);
  const way = { ...wait, bounded };
  const stored = await unlessRefused(parts, signed, missing, bounded, async () => {
    const received = live ? await fetchLive(parts, repository, signed, way) : undefined;
    if (!received) await fetchPacks(parts, repository, signed, missing, way);
    return received ?? signed;
  }).catch(async (error) => {
    // Fetched ahead it may still be wanted.
    if (error instanceof OverBudgetError && purpose === "follow") await repository.dropUnfinished();
    throw error;
  });
  offerAside(parts, repository);
  return stored;
}

/** Readers that wait for the data don't wait until others can have it. */
function offerAside({ seeder, log }: EngineParts, repository: StoredRepository): void {
  void seeder.offer(repository).catch((error) =>
    log(`can't seed ${repository.name}: ${toGtrError(error).message}`)
  );
}

async function fetchPacks(
  parts: EngineParts,
  repository: StoredRepository,
  signed: SignedManifest,
  missing: readonly PackRef[],
  asked: Wait & { readonly bounded: boolean },
): Promise<void> {
  const { manifest } = signed;
  const bytes = missing.reduce((sum, { size }) => sum + size, 0);
  asked.trace?.(`fetching ${counted(missing.length, "pack")}, ${bytes} bytes`);
  using room = await parts.quota.reserve(repository, manifest, missing);
  const wait = { ...asked, signal: AbortSignal.any([asked.signal, room.signal]) };
  const isStrict = fetchChecksObjects(wait.signal);
  isStrict.catch(() => {}); // awaited once the packs are here
  await repository.create(manifest.objectFormat);
  wait.trace?.("store prepared");
  await using early = beginIndex(repository, manifest, missing, {
    strict: isStrict,
    bounded: wait.bounded,
    progress: wait.progress,
  });
  const what = { missing, early, spare: room.spare };
  const fetched = await fetchAll(parts, repository, signed, what, wait);
  wait.trace?.("all packs here");
  try {
    await repository.accept(signed, fetched, {
      strict: await isStrict,
      bounded: wait.bounded,
      early,
      signal: wait.signal,
      progress: wait.progress,
      trace: wait.trace,
    });
    wait.trace?.("stored");
  } catch (error) {
    if (error instanceof VerificationError) parts.dropped.add(error.code);
    throw error;
  }
  parts.log(
    `followed ${repository.name}: publication ${manifest.sequence}, ` +
      counted(fetched.length, "new pack"),
  );
}

/** The first pack of a first clone holds almost everything: it is indexed while it arrives. */
function beginIndex(
  repository: StoredRepository,
  { packs }: Manifest,
  missing: readonly PackRef[],
  options: EarlyOptions,
): EarlyIndex | undefined {
  const [first] = packs;
  if (!first || missing.length < packs.length || first.size < EARLY_INDEX_BYTES) return undefined;
  return repository.indexEarly(first, options);
}

/** What is fetched. */
interface Fetching {
  readonly missing: readonly PackRef[];
  readonly early?: EarlyIndex;
  /** See {@linkcode Reservation.spare}. */
  readonly spare?: (bytes: number) => boolean;
}

/**
 * Fetches packs of a manifest to their incoming paths.
 *
 * @returns the files, in the order of `missing`
 * @throws {NetworkError} nobody has one of them
 */
export async function fetchAll(
  parts: EngineParts,
  repository: StoredRepository,
  signed: SignedManifest,
  { missing, early, spare }: Fetching,
  wait: Wait,
): Promise<{ pack: PackRef; path: string }[]> {
  const total = missing.reduce((sum, pack) => sum + pack.size, 0);
  const received = new Map<string, number>();
  let finished = 0;
  const report = () => {
    const done = [...received.values()].reduce((sum, n) => sum + n, 0);
    wait.progress?.(done, total, `${finished}/${missing.length}`);
  };
  using idle = idleDeadline(
    answerTimeout(parts),
    `packs of ${signed.manifest.name}`,
    wait.signal,
    "the publisher, or someone who cloned it, must be online and reachable from outside (gtr doctor " +
      "says there whether they are); what has come is kept and resumed",
  );
  const failed = new AbortController();
  const signal = AbortSignal.any([idle.signal, failed.signal]);
  const queue = [...missing];
  const sources = new PackSources(parts.networks, spare);

  const worker = async () => {
    for (let pack = queue.shift(); pack && !signal.aborted; pack = queue.shift()) {
      const { sha256, size } = pack;
      await sources.fetch(pack, signed, repository.incomingPath(sha256), {
        signal,
        trace: wait.trace,
        prefix: early?.pack === pack ? (bytes) => early.advance(bytes) : undefined,
        patience: idle.extend,
        progress: (done) => {
          if (done > size) failed.abort(tooLong(signed.manifest, pack));
          idle.touch(); // it tells of more than before only
          received.set(sha256, done);
          report();
        },
      });
      received.set(sha256, size);
      wait.trace?.(`pack ${sha256.slice(0, 12)} here`);
      finished++;
      report();
    }
  };
  if (missing.length > 0) {
    await mkdir(dirname(repository.incomingPath(missing[0]!.sha256)), { recursive: true });
  }
  // All have ended before the first failure is told: nobody writes to the files any more.
  const workers = Array.from({ length: CONCURRENT_PACKS }, worker);
  await Promise.all(workers.map((done) => done.catch((error) => failed.abort(error))));
  failed.signal.throwIfAborted();
  if (missing.length > 0) parts.log(`packs of ${signed.manifest.name}: bytes ${sources.shares}`);
  return missing.map((pack) => ({ pack, path: repository.incomingPath(pack.sha256) }));
}

/** Sizes are signed, and room was made for them: a network that sends more is not believed. */
function tooLong({ name }: Manifest, { sha256, size }: PackRef): VerificationError {
  const what = `pack ${sha256.slice(0, 12)} of ${name}`;
  return new VerificationError("wrong-pack", `can't use ${what}: it is longer than ${size} bytes`);
}
