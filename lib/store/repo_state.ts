/**
 * What the store knows of a repository beyond its manifest (`gtr/state.json`).
 *
 * @module
 */
import * as v from "valibot";
import { readTextIfPresent, writeFileAtomic } from "../common/atomic_file.ts";
import { VerificationError } from "../common/errors.ts";
import { canonicalJson } from "../manifest/canonical_json.ts";
import { isAnnounced } from "../manifest/flow.ts";
import { bytesOf } from "../manifest/plan_packs.ts";
import type { Writers } from "../manifest/writers.ts";
import type { Manifest, PackRef } from "../manifest/types.ts";

/** A pack that no manifest lists any more, kept for readers that still ask for it. */
export interface RetiredPack {
  readonly pack: PackRef;
  /** Seconds since 1970. */
  readonly since: number;
}

/** The state of one stored repository. */
export interface RepoState {
  readonly role: "published" | "followed";
  /** The highest sequence ever stored, or seen if only an older one could be had. */
  readonly sequence: number;
  /** Working repository -> its shared refs as they were last published. */
  readonly sources: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /**
   * The packs in the object directory. Whatever an object of a pack names is in that pack or in
   * one before it. The manifest need not list them: see {@linkcode settledState}.
   */
  readonly packs: readonly PackRef[];
  /**
   * The packs from the moment on that a manifest with this sequence number is in force. Written
   * before that manifest, if it doesn't tell which they are.
   */
  readonly planned?: { readonly sequence: number; readonly packs: readonly PackRef[] };
  /**
   * SHA-256 of the packs that were made here of what a live peer sent: nobody else has them, and no
   * manifest may list them.
   */
  readonly local?: readonly string[];
  readonly retired: readonly RetiredPack[];
  /** Seconds since 1970; 0 for never. */
  readonly lastUsed: number;
  /** Of one's own: what another machine of this publisher published, and is not here yet. */
  readonly awaited?: Joining;
  /** Of one's own: what this machine had published when another's took its place, until they are joined. */
  readonly displaced?: Joining;
  /** Of one's own: ref -> what this machine had published where another published something else. */
  readonly diverged?: Readonly<Record<string, string>>;
}

/** One of two publications that neither knew of the other. */
export interface Joining {
  readonly sequence: number;
  readonly writers: Writers;
  readonly refs: Readonly<Record<string, string>>;
}

const Whole = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const Sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const Pack = v.looseObject({
  sha256: Sha256,
  size: Whole,
  infohash: v.string(),
  objects: Whole,
  tips: v.array(v.string()),
});
const JoiningFile = v.object({
  sequence: Whole,
  writers: v.record(v.string(), Whole),
  refs: v.record(v.string(), v.string()),
});
const StateFile = v.object({
  version: v.literal(1),
  role: v.picklist(["published", "followed"]),
  sequence: Whole,
  sources: v.record(v.string(), v.record(v.string(), v.string())),
  packs: v.array(Pack),
  planned: v.optional(v.object({ sequence: Whole, packs: v.array(Pack) })),
  local: v.optional(v.array(Sha256)),
  retired: v.array(v.object({ pack: Pack, since: Whole })),
  lastUsed: Whole,
  awaited: v.optional(JoiningFile),
  displaced: v.optional(JoiningFile),
  diverged: v.optional(v.record(v.string(), v.string())),
});

/**
 * Reads the state; undefined if there is no file.
 *
 * @throws {VerificationError} "damaged-store"
 */
export async function readState(path: string): Promise<RepoState | undefined> {
  const text = await readTextIfPresent(path);
  return text === undefined ? undefined : parseState(path, text);
}

/**
 * What is in the file of a state.
 *
 * @param path for a person
 * @throws {VerificationError} "damaged-store"
 */
export function parseState(path: string, text: string): RepoState {
  try {
    const { version: _, ...state } = v.parse(StateFile, JSON.parse(text));
    // Before there was `local`, such packs had no infohash.
    const unnamed = state.packs.concat(state.planned?.packs ?? []).filter((p) => p.infohash === "");
    if (unnamed.length === 0) return state;
    const names = unnamed.map(({ sha256 }) => sha256);
    return { ...state, local: [...new Set([...state.local ?? [], ...names])] };
  } catch (cause) {
    throw new VerificationError("damaged-store", `can't read ${path}: it is damaged`, {
      hint: "remove the file; it is made anew from the manifest",
      cause,
    });
  }
}

/**
 * So many replaced packs may stay also if a repository consists of fewer: a long clone of a large one
 * needs what was replaced by as many pushes meanwhile.
 */
const LEAST_RETIRED = 32;

/** The state of a repository that nothing was stored in. */
export const EMPTY_STATE: RepoState = {
  role: "followed",
  sequence: 0,
  sources: {},
  packs: [],
  retired: [],
  lastUsed: 0,
};

/**
 * The state that follows from the current manifest.
 *
 * If all packs of the manifest are at hand, the repository is those, and the others retire. Else
 * packs of the manifest were skipped because others have their content: those all stay. So do all
 * if the manifest lists none, since what it announces is served live.
 *
 * @param state what was written last; what it planned for this manifest holds
 * @param atHand packs that are on disk and were checked
 */
export function settledState(
  state: RepoState,
  manifest: Manifest,
  atHand: readonly PackRef[],
): RepoState {
  const { planned: _, local = [], ...before } = state;
  const packs = plannedPacks(state, manifest);
  const sequence = Math.max(before.sequence, manifest.sequence);
  if (isAnnounced(manifest)) return withLocal({ ...before, sequence, packs, retired: [] }, local);
  const skipped = without(manifest.packs, atHand);
  const added = without(without(manifest.packs, skipped), packs);
  if (skipped.length > 0) {
    return withLocal({ ...before, sequence, packs: [...packs, ...added] }, local);
  }
  const since = Math.floor(Date.now() / 1000);
  const unlisted = without(packs, manifest.packs).filter((pack) => !local.includes(pack.sha256));
  const back = new Set(manifest.packs.map(({ sha256 }) => sha256));
  const retired = before.retired.filter(({ pack }) => !back.has(pack.sha256));
  return {
    ...before,
    sequence,
    packs: manifest.packs,
    retired: boundedRetired(
      [...retired, ...unlisted.map((pack) => ({ pack, since }))],
      manifest.packs,
    ),
  };
}

/**
 * Those of the replaced packs that stay: however often a repository is published, they are about as
 * many, and take about as much of the disk, as those that it consists of. The ones that were replaced
 * last all stay, since readers that fetch the publication before this one need them together.
 *
 * @param retired in the order in which they were replaced
 * @param packs what the repository consists of
 */
export function boundedRetired(
  retired: readonly RetiredPack[],
  packs: readonly PackRef[],
): readonly RetiredPack[] {
  const last = retired.at(-1)?.since;
  let [number, bytes] = [Math.max(LEAST_RETIRED, packs.length), bytesOf(packs)];
  let first = retired.length;
  for (const { pack, since } of retired.toReversed()) {
    number--;
    bytes -= pack.size;
    if (since !== last && (number < 0 || bytes < 0)) break;
    first--;
  }
  return retired.slice(first);
}

/** The packs that were planned for a manifest, else those so far. */
export function plannedPacks(
  { packs, planned }: RepoState,
  { sequence }: Pick<Manifest, "sequence">,
): readonly PackRef[] {
  return planned?.sequence === sequence ? planned.packs : packs;
}

/** The state with those of the names that are still names of its packs as the local ones. */
function withLocal(state: RepoState, names: readonly string[]): RepoState {
  const local = names.filter((name) => state.packs.some(({ sha256 }) => sha256 === name));
  return local.length > 0 ? { ...state, local } : state;
}

/** Those of `packs` that are not among `others`. */
export function without(packs: readonly PackRef[], others: readonly PackRef[]): PackRef[] {
  const names = new Set(others.map(({ sha256 }) => sha256));
  return packs.filter(({ sha256 }) => !names.has(sha256));
}

/** Writes the state atomically; a file that says the same already is left alone. */
export async function writeState(path: string, state: RepoState): Promise<void> {
  const present = Object.entries(state).filter(([, value]) => value !== undefined);
  const text = canonicalJson({ version: 1, ...Object.fromEntries(present) }) + "\n";
  if (await readTextIfPresent(path) !== text) await writeFileAtomic(path, text);
}
