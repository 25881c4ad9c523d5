/**
 * Reading the refs of any repository, and writing those of a repository of the store.
 *
 * @module
 */
import { join } from "node:path";
import { readTextIfPresent, storeError, writeFileAtomic } from "../common/atomic_file.ts";
import { gitFailure, runGit } from "./run.ts";

/** Object ids in one command: systems limit how long it may be. */
const MOST_ARGUMENTS = 1000;

/**
 * The refs whose names start with one of `prefixes` (whole path parts: "refs/heads",
 * "refs/heads/main"), whatever way the repository keeps them. Names that are not UTF-8 are left out.
 *
 * @returns full ref name -> object id (an annotated tag's own)
 * @throws {GitError}
 */
export async function listRefs(
  gitDir: string,
  prefixes: readonly string[],
  signal?: AbortSignal,
): Promise<Map<string, string>> {
  return await forEachRef(gitDir, prefixes, [], signal);
}

/**
 * The tags that lead to a commit reachable from one of `branches`.
 *
 * @param branches object ids of commits
 * @returns full ref name -> object id (an annotated tag's own)
 */
export async function reachableTags(
  gitDir: string,
  branches: readonly string[],
  signal?: AbortSignal,
): Promise<Map<string, string>> {
  if (branches.length === 0) return new Map();
  return await forEachRef(gitDir, ["refs/tags"], branches.map((b) => `--merged=${b}`), signal);
}

/** The branch that HEAD names, which may not exist yet; undefined where HEAD is detached. */
export async function headTarget(
  gitDir: string,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const args = ["symbolic-ref", "-q", "HEAD"];
  const end = await runGit(args, { gitDir, signal, allowFail: true });
  if (end.code === 0) return end.stdout.trim();
  if (end.code === 1) return undefined;
  throw gitFailure(args, end);
}

/** Whether commit `a` is reachable from commit `b`. */
export async function isAncestor(
  gitDir: string,
  a: string,
  b: string,
  options: { readonly alternates?: readonly string[]; readonly signal?: AbortSignal } = {},
): Promise<boolean> {
  const args = ["merge-base", "--is-ancestor", a, b];
  const end = await runGit(args, { gitDir, ...options, allowFail: true });
  if (end.code > 1) throw gitFailure(args, end);
  return end.code === 0;
}

/**
 * Whether a commit is reachable from any of `tips`.
 *
 * @param commit its full object id
 * @param tips object ids; those that lead to no commit don't count
 */
export async function isReachable(
  gitDir: string,
  commit: string,
  tips: readonly string[],
  signal?: AbortSignal,
): Promise<boolean> {
  if (tips.length === 0) return false;
  const { stdout } = await runGit(["cat-file", "--batch-check=%(objectname)", "--buffer"], {
    gitDir,
    signal,
    input: tips.map((oid) => `${oid}^{commit}\n`).join(""),
  });
  const commits = [...new Set(stdout.split("\n").filter((line) => /^[0-9a-f]+$/.test(line)))];
  for (let at = 0; at < commits.length; at += MOST_ARGUMENTS) {
    // What a commit and a merge of all the others have in common is the commit itself, if one of them
    // has it (git-merge-base(1)).
    const args = ["merge-base", commit, ...commits.slice(at, at + MOST_ARGUMENTS)];
    const end = await runGit(args, { gitDir, signal, allowFail: true });
    if (end.code > 1) throw gitFailure(args, end);
    if (end.stdout.trim() === commit) return true;
  }
  return false;
}

/** Whether a commit is reachable from any branch or tag. */
export async function contains(
  gitDir: string,
  commit: string,
  signal?: AbortSignal,
): Promise<boolean> {
  const known = ["cat-file", "-e", `${commit}^{commit}`];
  if ((await runGit(known, { gitDir, signal, allowFail: true })).code !== 0) return false;
  const filters = ["--count=1", `--contains=${commit}`];
  return (await forEachRef(gitDir, ["refs/heads", "refs/tags"], filters, signal)).size > 0;
}

/**
 * Makes the refs of a repository of the store equal to `want`, and HEAD name `head`. All refs
 * change at once: they are written as one `packed-refs` file, moved over the old one.
 *
 * Only for repositories that nobody else writes to and that keep refs in files.
 *
 * @param want full ref name -> object id; names as a manifest may have them
 * @throws {StoreError}
 */
export async function updateRefs(
  gitDir: string,
  want: Readonly<Record<string, string>>,
  head: string,
): Promise<void> {
  await writeIfChanged(join(gitDir, "packed-refs"), packedRefs(want));
  await removeLooseRefs(gitDir);
  await writeIfChanged(join(gitDir, "HEAD"), `ref: ${head}\n`);
}

/** The text of a `packed-refs` file; git searches it by bisection, so it is sorted by bytes. */
function packedRefs(refs: Readonly<Record<string, string>>): string {
  const encoder = new TextEncoder();
  const names = Object.keys(refs).map((name) => ({ name, bytes: encoder.encode(name) }));
  names.sort((a, b) => compareBytes(a.bytes, b.bytes));
  const lines = names.map(({ name }) => `${refs[name]} ${name}\n`);
  return `# pack-refs with: sorted \n${lines.join("")}`;
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shorter = Math.min(a.length, b.length);
  for (let i = 0; i < shorter; i++) {
    if (a[i] !== b[i]) return (a[i] ?? 0) - (b[i] ?? 0);
  }
  return a.length - b.length;
}

/** A loose ref would win over its line in `packed-refs`. */
async function removeLooseRefs(gitDir: string): Promise<void> {
  try {
    for (const kind of ["heads", "tags"]) {
      const folder = join(gitDir, "refs", kind);
      await Deno.mkdir(folder, { recursive: true }); // without refs/ it would be no repository
      for await (const entry of Deno.readDir(folder)) {
        await Deno.remove(join(folder, entry.name), { recursive: true });
      }
    }
  } catch (error) {
    throw storeError(`can't update the refs of ${gitDir}`, error);
  }
}

async function writeIfChanged(path: string, text: string): Promise<void> {
  if (await readTextIfPresent(path) !== text) await writeFileAtomic(path, text);
}

async function forEachRef(
  gitDir: string,
  prefixes: readonly string[],
  filters: readonly string[],
  signal: AbortSignal | undefined,
): Promise<Map<string, string>> {
  const { stdout } = await runGit(
    ["for-each-ref", "--format=%(objectname) %(refname)", ...filters, ...prefixes],
    { gitDir, signal },
  );
  const refs = new Map<string, string>();
  for (const line of stdout.split("\n")) {
    const space = line.indexOf(" ");
    if (space < 0 || line.includes("\ufffd")) continue;
    refs.set(line.slice(space + 1), line.slice(0, space));
  }
  return refs;
}
