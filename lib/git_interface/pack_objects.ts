/**
 * Making packs (`git pack-objects`).
 *
 * @module
 */
import { join } from "node:path";
import { GitError } from "../common/errors.ts";
import { deadline, type Progress } from "../common/wait.ts";
import { type Budget, isOverBudget, OverBudgetError, patienceMs } from "./budget.ts";
import { packObjectCount } from "./pack_file.ts";
import { gitFailure, reason, runGit } from "./run.ts";

/** A pack and its index, as `git pack-objects` wrote them. */
export interface NewPack {
  readonly packPath: string;
  readonly idxPath: string;
  readonly objects: number;
  /** Bytes of the pack. */
  readonly size: number;
}

/**
 * Writes the objects reachable from `include` and not from `exclude` as one pack that holds every
 * delta base it needs; with `maxPack` as several of such packs, if one would be larger.
 *
 * It reads `gitDir` and the `alternates` and writes nowhere but into `directory`, which exists.
 * One thread makes it: the same input then gives the same bytes.
 *
 * @param alternates further object directories, such as the working repository's
 * @param include object ids: what is shared
 * @param exclude object ids that `gitDir` or `alternates` hold: what the packs before this one have
 * @param maxPack bytes of the largest pack, at least 1 MiB, git's minimum; a larger object gets a pack
 * of its own
 * @returns the packs, each object in one of them; what is in one may name what is in any other. None
 * where there is nothing new
 * @throws {GitError} "incomplete-repository" where objects are missing (a shallow or partial clone)
 * @throws {StoreError} "disk-full"
 * @throws {OverBudgetError}
 */
export async function packObjects(options: {
  readonly gitDir: string;
  readonly alternates: readonly string[];
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  readonly directory: string;
  readonly maxPack?: number;
  readonly budget?: Budget;
  readonly signal?: AbortSignal;
  readonly progress?: Progress;
}): Promise<NewPack[]> {
  if (options.include.length === 0) return [];
  const args = [
    "-c",
    "pack.packSizeLimit=0",
    "-c",
    "pack.writeReverseIndex=false",
    "pack-objects",
    "--revs",
    "--delta-base-offset",
    "--non-empty",
    "--threads=1",
    ...(options.maxPack === undefined ? [] : [`--max-pack-size=${options.maxPack}`]),
    options.progress ? "--progress" : "-q",
    join(options.directory, "pack"),
  ];
  const { budget } = options;
  using limit = budget && deadline(patienceMs(budget), "a pack to be made", options.signal);
  const end = await runGit(args, {
    gitDir: options.gitDir,
    // git's temporary files go where its output goes, so that what a kill leaves is in one place
    objectDirectory: options.directory,
    alternates: [join(options.gitDir, "objects"), ...options.alternates],
    env: { GIT_SHALLOW_FILE: "" }, // history that a shallow clone lacks is missing, not cut off
    input: [...options.include, ...options.exclude.map((oid) => `^${oid}`)].join("\n") + "\n",
    signal: limit?.signal ?? options.signal,
    progress: options.progress,
    budget,
    allowFail: true,
  });
  if (end.code !== 0) {
    if (budget && isOverBudget(end)) throw new OverBudgetError(budget);
    const failure = gitFailure(args, end);
    if (!MISSING_OBJECT.test(end.stderr)) throw failure;
    throw new GitError("incomplete-repository", `can't pack the history: ${reason(end)}`, {
      hint: "a shallow clone is completed by 'git fetch --unshallow', a partial one by " +
        "'git fetch --refetch --no-filter'; 'git fsck' finds damage",
      cause: failure,
    });
  }
  // As git has written them, turned round: it begins with commits, and what names others is checked
  // at once by who has those others already.
  const hashes = end.stdout.trim().split("\n").filter(Boolean).reverse();
  return await Promise.all(hashes.map(async (hash) => {
    const packPath = join(options.directory, `pack-${hash}.pack`);
    return {
      packPath,
      idxPath: join(options.directory, `pack-${hash}.idx`),
      objects: await packObjectCount(packPath),
      size: (await Deno.stat(packPath)).size,
    };
  }));
}

const MISSING_OBJECT = new RegExp(
  [
    "could not (read|parse)",
    "unable to (read|parse|find|get (size|type))",
    "bad (object|revision|tree object)",
    "missing (commit|tree|blob|object)",
    "revision walk setup failed",
    "cannot read object",
    "failed to (read|traverse)",
  ].join("|"),
  "i",
);
