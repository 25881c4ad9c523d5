/**
 * What the store knows of a repository beyond its manifest (`gtr/state.json`).
 *
 * @module
 */
import * as v from "valibot";
import { readTextIfPresent, writeFileAtomic } from "../common/atomic_file.ts";
import { VerificationError } from "../common/errors.ts";
import type { Manifest, PackRef } from "../manifest/types.ts";

/** A pack that no manifest lists any more, kept for those who still ask for it. */
export interface RetiredPack {
  readonly pack: PackRef;
  /** Seconds since 1970. */
  readonly since: number;
}

/** The state of one stored repository. */
export interface RepoState {
  readonly role: "published" | "followed";
  /** The highest sequence ever stored; outlives the manifest file. */
  readonly sequence: number;
  /** Working repository -> its shared refs as they were last published. */
  readonly sources: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /**
   * The packs in the object directory. Whatever an object of a pack names is in that pack or in
   * one before it.
   */
  readonly packs: readonly PackRef[];
  readonly retired: readonly RetiredPack[];
  /** Seconds since 1970; 0 for never. */
  readonly lastUsed: number;
}

const Whole = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const Pack = v.looseObject({
  sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  size: Whole,
  infohash: v.string(),
  objects: Whole,
  tips: v.array(v.string()),
});
const StateFile = v.object({
  version: v.literal(1),
  role: v.picklist(["published", "followed"]),
  sequence: Whole,
  sources: v.record(v.string(), v.record(v.string(), v.string())),
  packs: v.array(Pack),
  retired: v.array(v.object({ pack: Pack, since: Whole })),
  lastUsed: Whole,
});

/**
 * Reads the state; undefined where there is no file.
 *
 * @throws {VerificationError} "damaged-store"
 */
export async function readState(path: string): Promise<RepoState | undefined> {
  const text = await readTextIfPresent(path);
  if (text === undefined) return undefined;
  try {
    const { version: _, ...state } = v.parse(StateFile, JSON.parse(text));
    return state;
  } catch (cause) {
    throw new VerificationError("damaged-store", `can't read ${path}: it is damaged`, {
      hint: "remove the file; it is made anew from the manifest",
      cause,
    });
  }
}

/** The state of a repository that has no state file: what its manifest tells. */
export function initialState(manifest: Manifest | undefined): RepoState {
  return {
    role: "followed",
    sequence: manifest?.sequence ?? 0,
    sources: {},
    packs: manifest?.packs ?? [],
    retired: [],
    lastUsed: 0,
  };
}

/** Writes the state atomically; a file that says the same already is left alone. */
export async function writeState(path: string, state: RepoState): Promise<void> {
  const text = JSON.stringify({ version: 1, ...state }) + "\n";
  if (await readTextIfPresent(path) !== text) await writeFileAtomic(path, text);
}
