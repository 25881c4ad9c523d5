/**
 * Some branches of a repository, and whether a publication is about them. Pure.
 *
 * @module
 */
import { isValidRefName } from "./ref_name.ts";
import type { Manifest } from "./types.ts";

/** So many branches can be named of one repository. */
export const MAX_BRANCHES = 1000;

/** How many names are shown where a person reads them. */
const SHOWN = 10;

const HEADS = "refs/heads/";

/** Whether a branch can have this short name: "main", "topic/x". */
export function isBranchName(name: string): boolean {
  return isValidRefName(HEADS + name);
}

/**
 * Whether any of these branches is another one in `newest` than in `held`: moved (forward or not),
 * created or deleted. What HEAD names, tags and other branches don't count.
 *
 * @param branches short names
 */
export function branchesDiffer(
  branches: readonly string[],
  held: Pick<Manifest, "refs">,
  newest: Pick<Manifest, "refs">,
): boolean {
  return branches.some((branch) => held.refs[HEADS + branch] !== newest.refs[HEADS + branch]);
}

/** Says which of these branches a repository doesn't have, and what it has; undefined where it has all. */
export function missingBranches(
  branches: readonly string[],
  { name, refs }: Pick<Manifest, "name" | "refs">,
): string | undefined {
  const missing = branches.filter((branch) => !Object.hasOwn(refs, HEADS + branch));
  if (missing.length === 0) return undefined;
  const there = Object.keys(refs).filter((ref) => ref.startsWith(HEADS))
    .map((ref) => ref.slice(HEADS.length));
  const what = there.length === 0 ? "no branch" : listNames(there);
  return `${name} has no ${listNames(missing)} now; it has ${what}`;
}

/** "main, dev", and no more than ten of them: "... and 3 others". */
export function listNames(names: readonly string[]): string {
  const left = names.length - SHOWN;
  if (left <= 0) return names.join(", ");
  return `${names.slice(0, SHOWN).join(", ")} and ${left} ${left === 1 ? "other" : "others"}`;
}
