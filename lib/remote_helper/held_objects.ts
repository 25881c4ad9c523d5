/**
 * What a repository already has.
 *
 * @module
 */
import { type GitOptions, runGit } from "../git_interface/run.ts";

/** Where git is to look. */
type Place = Pick<GitOptions, "gitDir" | "objectDirectory" | "alternates">;

/** One named object. */
export interface NamedObject {
  readonly oid: string;
  readonly type: string;
}

/** Looks up objects by any name that git-rev-parse(1) knows; undefined where there is none. */
export async function lookUpObjects(
  place: Place,
  names: readonly string[],
  signal: AbortSignal,
): Promise<(NamedObject | undefined)[]> {
  if (names.length === 0) return [];
  const { stdout } = await runGit(["cat-file", "--batch-check=%(objectname) %(objecttype)"], {
    ...where(place),
    input: names.join("\n") + "\n",
    signal,
  });
  const lines = stdout.split("\n");
  return names.map((_, i) => {
    const [, oid, type] = /^([0-9a-f]{40,64}) (commit|tree|blob|tag)$/.exec(lines[i] ?? "") ?? [];
    return oid && type ? { oid, type } : undefined;
  });
}

/**
 * Those of `oids` that the repository holds with everything they reach.
 *
 * That an object exists says nothing of what it reaches: a fetch may have been interrupted. As git
 * does for its own fetches, only what refs reach counts, and alternates' refs too.
 */
export async function closedObjects(
  place: Place,
  oids: readonly string[],
  signal: AbortSignal,
): Promise<Set<string>> {
  if (oids.length === 0) return new Set();
  const names = oids.map((oid) => `${oid}^{commit}`);
  const [commits, { code, stdout }] = await Promise.all([
    lookUpObjects(place, names, signal),
    runGit(["rev-list", "--ignore-missing", "--stdin", "--not", "--all", "--alternate-refs"], {
      ...where(place),
      input: names.join("\n") + "\n",
      signal,
      allowFail: true,
    }),
  ]);
  if (code !== 0) return new Set(); // leftovers with missing parents: fetch it all
  const unreached = new Set(stdout.split("\n"));
  return new Set(oids.filter((_, i) => {
    const commit = commits[i];
    return commit !== undefined && !unreached.has(commit.oid);
  }));
}

/** Only what says where: a repository's description has more. */
function where({ gitDir, objectDirectory, alternates }: Place): Place {
  return { gitDir, objectDirectory, alternates };
}
