/**
 * What one working repository shares: `gtr/settings.json` in its common git directory, so that it
 * is the same for all of its worktrees and never part of a commit.
 *
 * @module
 */
import { join } from "node:path";
import * as v from "valibot";
import { readTextIfPresent, storeError, writeFileAtomic } from "../common/atomic_file.ts";
import { RequestError } from "../common/errors.ts";
import { FLOWS } from "../manifest/flow.ts";

const BranchRef = v.pipe(v.string(), v.regex(/^refs\/heads\/[^\s]+$/));

const RepositorySettingsFile = v.looseObject({
  version: v.literal(1),
  /** The last part of the address. */
  name: v.pipe(v.string(), v.minLength(1)),
  description: v.optional(v.string()),
  /** Full names of the shared branches; none means that nothing is shared. */
  branches: v.array(BranchRef),
  /** "reachable": the tags of commits on shared branches. "all": every tag, with all it needs. */
  tags: v.picklist(["reachable", "all"]),
  /** How the data gets to readers; "both" where there is none. */
  flow: v.optional(v.picklist(FLOWS)),
});

/** The settings of one repository. Fields of later versions are kept. */
export type RepositorySettings = v.InferOutput<typeof RepositorySettingsFile>;

/** Where the settings of the repository with this common git directory are. */
export function repositorySettingsPath(commonDir: string): string {
  return join(commonDir, "gtr", "settings.json");
}

/**
 * The settings, or undefined where the repository was never shared.
 *
 * @throws {RequestError} "bad-repository-settings" where the file is not what gtr writes
 */
export async function readRepositorySettings(
  commonDir: string,
): Promise<RepositorySettings | undefined> {
  const path = repositorySettingsPath(commonDir);
  const content = await readTextIfPresent(path);
  if (content === undefined) return undefined;
  try {
    return v.parse(RepositorySettingsFile, JSON.parse(content));
  } catch (cause) {
    throw new RequestError(
      "bad-repository-settings",
      `can't read ${path}: it is not a gtr settings file`,
      { hint: "mend it, or remove it and run gtr init again", cause },
    );
  }
}

/** Replaces the settings, atomically. */
export async function writeRepositorySettings(
  commonDir: string,
  settings: RepositorySettings,
): Promise<void> {
  const path = repositorySettingsPath(commonDir);
  try {
    await Deno.mkdir(join(commonDir, "gtr"), { recursive: true });
  } catch (error) {
    throw storeError(`can't write ${path}`, error);
  }
  await writeFileAtomic(path, JSON.stringify(settings, null, 2) + "\n");
}
