/**
 * Making a bitmap index of the packs that all others build on: what a commit leads to is then looked
 * up where `git upload-pack` would walk the history (git-multi-pack-index(1), `--bitmap`).
 *
 * It is of packs as they are, so a publisher and followers that keep copies can all have one, and
 * nothing waits for it. Nothing depends on it either: without it git walks.
 *
 * @module
 */
import { join } from "node:path";
import type { Wait } from "../common/wait.ts";
import { unpackBudget } from "../git_interface/budget.ts";
import { moveFile } from "../git_interface/place_file.ts";
import { runGit } from "../git_interface/run.ts";
import type { PackRef } from "../manifest/types.ts";
import type { PackFile } from "../manifest/pack_file.ts";
import { MULTI_PACK_INDEX } from "./bitmap_files.ts";
import { Quarantine } from "./quarantine.ts";
import type { RepoPaths } from "./repo_paths.ts";
import { namesIn } from "./tidy.ts";

/** With fewer objects git has walked before it would have looked anything up. */
const FEWEST_OBJECTS = 2000;

/** Where a bitmap index was made. Dispose it to remove what was not put in place. */
export interface MadeBitmap extends AsyncDisposable {
  /** Moves it beside the packs, over the one before. */
  readonly place: () => Promise<void>;
}

/**
 * The first packs of a repository that together have all that their objects name; none if they
 * are too small to be worth a bitmap.
 */
export function bitmapBase(packs: readonly PackRef[]): readonly PackRef[] {
  const base = packs.slice(0, packs.findIndex(({ tips }) => tips.length > 0) + 1);
  const objects = base.reduce((sum, pack) => sum + pack.objects, 0);
  return objects < FEWEST_OBJECTS ? [] : base;
}

/**
 * Makes the bitmap index aside.
 *
 * @param base all packs of {@linkcode bitmapBase}
 * @param options `bounded`: within a budget that fits their size, as a stranger made them
 * @throws {GitError} "git-failed"
 */
export async function makeBitmap(
  paths: RepoPaths,
  base: readonly PackFile[],
  { signal, bounded }: Wait & { readonly bounded?: boolean },
): Promise<MadeBitmap> {
  await using stack = new AsyncDisposableStack();
  const aside = stack.use(await Quarantine.open(paths));
  for (const { pack, path } of base) await aside.addTrusted(pack, path, paths.idx(pack.sha256));
  // The repository's own refs may lead further than these packs.
  const tips = join(aside.objectDirectory, "tips");
  await Deno.writeTextFile(tips, base.flatMap(({ pack }) => pack.tips).join("\n") + "\n");
  await runGit(["multi-pack-index", "write", "--bitmap", `--refs-snapshot=${tips}`], {
    gitDir: paths.root,
    objectDirectory: aside.objectDirectory,
    signal,
    budget: bounded ? unpackBudget(base.reduce((sum, { pack }) => sum + pack.size, 0)) : undefined,
  });
  const from = join(aside.objectDirectory, "pack");
  const files = (await namesIn(from)).filter((name) => name.startsWith(MULTI_PACK_INDEX));
  files.sort((a, b) => b.length - a.length); // the main one last: git sees the others by it
  const held = stack.move();
  return {
    place: async () => {
      for (const name of files) await moveFile(join(from, name), join(paths.packs, name));
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}
