/**
 * Taking in what a live peer sends: objects of no pack that anybody has signed.
 *
 * @module
 */
import { join } from "node:path";
import type { Wait } from "../common/wait.ts";
import { type Budget, unpackBudget } from "../git_interface/budget.ts";
import { checkConnected } from "../git_interface/connectivity.ts";
import { packObjectCount } from "../git_interface/pack_file.ts";
import { type NewPack, packObjects } from "../git_interface/pack_objects.ts";
import { packGroups } from "../manifest/pack_groups.ts";
import { planPacks } from "../manifest/plan_packs.ts";
import type { Manifest, PackRef } from "../manifest/types.ts";
import type { PackFile } from "../manifest/pack_file.ts";
import type { AddedPack } from "./commit_manifest.ts";
import { describePack } from "./pack_ref.ts";
import type { Quarantine } from "./quarantine.ts";
import { namesIn } from "./tidy.ts";

/** Packs that no manifest lists: with so many they are merged. */
const MOST_UNLISTED = 6;

/** Where a fetch puts what comes: at most one pack, with its index. */
export interface Destination {
  /** The repository, whose refs are what it may say that it has. */
  readonly gitDir: string;
  /** The objects there are, and the folder for new ones. */
  readonly objectDirectory: string;
}

/**
 * Fetches all that the refs of a manifest lead to. Says `whole` if it is known that nothing is
 * missing behind any object that came.
 */
export type FetchInto = (into: Destination) => Promise<{ readonly whole: boolean }>;

/** How it is waited for; with a budget, what came is walked within that, and merged. */
export type ReceiveWait = Wait & { readonly budget?: Budget };

/** What the store knows already. */
export interface Held {
  readonly packs: readonly PackFile[];
  /** Object ids that are there with all they lead to. */
  readonly tips: ReadonlySet<string>;
}

/** What the repository will consist of. */
export interface Received {
  readonly packs: readonly PackRef[];
  /** The last of these, if something came. */
  readonly added: readonly AddedPack[];
}

/**
 * Lets `fetch` fill the quarantine, and checks that nothing is missing behind any ref of the
 * manifest. What came is one more pack. Once there are several that the manifest doesn't list, they
 * are merged as a publisher's are, so that their number stays small. Not each time: the reader waits
 * for it, and nobody else fetches such a pack.
 *
 * @param gitDir the store's repository
 * @throws {VerificationError} "missing-objects", "bad-refs", "over-budget"
 * @throws what `fetch` throws
 */
export async function receivePack(
  gitDir: string,
  quarantine: Quarantine,
  manifest: Manifest,
  held: Held,
  fetch: FetchInto,
  wait: ReceiveWait,
): Promise<Received> {
  const { objectDirectory } = quarantine;
  for (const { pack, path } of held.packs) {
    await quarantine.addTrusted(pack, path, path.replace(/\.pack$/, ".idx"));
  }
  const before = held.packs.map(({ pack }) => pack);
  const { whole } = await fetch({ gitDir, objectDirectory });
  const { signal } = wait;
  const [tips] = await Promise.all([
    quarantine.checkRefs(manifest, signal),
    whole || checkConnected(gitDir, Object.values(manifest.refs), {
      notTips: [...held.tips],
      objectDirectory,
      signal,
      budget: wait.budget,
    }),
  ]);
  wait.trace?.("history checked");
  const came = await newPack(join(objectDirectory, "pack"));
  if (!came) return { packs: before, added: [] };

  const listed = new Set(manifest.packs.map(({ sha256 }) => sha256));
  const groups = packGroups(before);
  const last = groups.findLastIndex((group) => group.some(({ sha256 }) => listed.has(sha256)));
  const fixed = groups.slice(0, last + 1).flat().length;
  const unlisted = before.slice(fixed);
  const isMerged = unlisted.length >= MOST_UNLISTED;
  const kept = isMerged ? before.slice(0, fixed + planPacks(unlisted, came.size)) : before;
  const known = new Set(kept.flatMap((pack) => pack.tips));
  const fresh = [...tips].filter((oid) => !known.has(oid)).sort();
  if (fresh.length === 0) return { packs: kept, added: [] };
  const bytes = before.slice(kept.length).reduce((sum, { size }) => sum + size, came.size);
  const [made] = kept.length === before.length ? [came] : await packObjects({
    gitDir,
    alternates: [objectDirectory],
    include: fresh,
    exclude: [...known],
    directory: join(objectDirectory, "pack"),
    budget: wait.budget && unpackBudget(bytes),
    signal,
  });
  if (!made) return { packs: kept, added: [] };
  const pack = await describePack(made.packPath, made.objects, fresh, { signal });
  return { packs: [...kept, pack], added: [{ ...made, pack }] };
}

/** The pack that git left in a folder of links; undefined if nothing came. */
async function newPack(folder: string): Promise<NewPack | undefined> {
  for (const name of await namesIn(folder)) {
    const packPath = join(folder, name);
    if (!/^pack-[0-9a-f]+\.pack$/.test(name)) continue;
    const { isFile, size } = await Deno.lstat(packPath);
    if (!isFile) continue;
    const objects = await packObjectCount(packPath);
    if (objects === 0) continue;
    return { packPath, idxPath: packPath.replace(/\.pack$/, ".idx"), objects, size };
  }
  return undefined;
}
