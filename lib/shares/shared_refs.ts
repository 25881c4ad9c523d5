/**
 * The refs that a working repository shares, and why some, or all, can't be published.
 *
 * @module
 */
import { listRefs, reachableTags } from "../git_interface/refs.ts";
import { refNameFault } from "../manifest/ref_name.ts";
import { MAX_MANIFEST_BYTES, MAX_REFS } from "../manifest/schema.ts";
import type { RepositorySettings } from "./repository_settings.ts";

/** What is shared, as it is now: full ref name -> object id. */
export interface SharedRefs {
  /** Those that a manifest can hold. */
  readonly refs: ReadonlyMap<string, string>;
  /** The others -> why. */
  readonly skipped: ReadonlyMap<string, string>;
  /** Every branch and tag there is, shared or not. */
  readonly existing: ReadonlyMap<string, string>;
}

/** Reads the refs that the settings share: branches, and all tags or those on them. */
export async function sharedRefs(
  gitDir: string,
  { branches, tags }: Pick<RepositorySettings, "branches" | "tags">,
  signal: AbortSignal,
): Promise<SharedRefs> {
  const existing = await listRefs(gitDir, ["refs/heads", "refs/tags"], signal);
  const refs = new Map(branches.flatMap((name) => {
    const oid = existing.get(name);
    return oid ? [[name, oid] as const] : [];
  }));
  const isTag = (name: string) => name.startsWith("refs/tags/");
  if (tags === "all") {
    for (const [name, oid] of existing) if (isTag(name)) refs.set(name, oid);
  } else if (refs.size > 0 && [...existing.keys()].some(isTag)) {
    for (const [name, oid] of await reachableTags(gitDir, [...new Set(refs.values())], signal)) {
      refs.set(name, oid);
    }
  }
  const skipped = new Map<string, string>();
  for (const name of refs.keys()) {
    const fault = refNameFault(name);
    if (fault === undefined) continue;
    skipped.set(name, fault);
    refs.delete(name);
  }
  return { refs, skipped, existing };
}

/** Why a manifest can't hold so many refs, or so long names; undefined if it can. */
export function refsFault(names: readonly string[]): string | undefined {
  const counted = names.length.toLocaleString("en");
  if (names.length > MAX_REFS) {
    return `it has ${counted} branches and tags to share, more than ${
      MAX_REFS.toLocaleString("en")
    }`;
  }
  const bytes = names.reduce((sum, name) => sum + new TextEncoder().encode(name).length + 48, 0);
  if (bytes <= MAX_MANIFEST_BYTES) return undefined;
  return `the names of its ${counted} branches and tags are too long: a list of them is over ` +
    `${MAX_MANIFEST_BYTES / 1024 ** 2} MiB`;
}
