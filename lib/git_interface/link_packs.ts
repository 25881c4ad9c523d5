/**
 * Giving a clone the packs of the store without copying them.
 *
 * @module
 */
import { join } from "node:path";
import { explained } from "./os_error.ts";
import { packTrailer } from "./pack_file.ts";
import { linkOrCopy } from "./place_file.ts";

/**
 * Hard-links packs, each with the index beside it, into a clone under the names that git gives
 * them; copies them where links are impossible. Packs that are there already are left alone.
 *
 * @param packs pack files of the store
 * @param objectsDir the clone's object directory
 * @returns the `.keep` file that guards the last new pack until refs lead to it, for a remote
 * helper's `lock`; undefined where nothing was new
 * @throws {StoreError}
 * @throws {VerificationError} "bad-pack" where an index doesn't belong to its pack
 */
export async function linkPacks(
  packs: readonly string[],
  objectsDir: string,
): Promise<string | undefined> {
  const folder = join(objectsDir, "pack");
  const fresh: { pack: string; idx: string; base: string }[] = [];
  try {
    await Deno.mkdir(folder, { recursive: true });
    for (const pack of packs) {
      const idx = pack.replace(/\.pack$/, ".idx");
      const base = join(folder, `pack-${await packTrailer(pack, idx)}`);
      if (!(await exists(`${base}.idx`))) fresh.push({ pack, idx, base });
    }
    const last = fresh.at(-1);
    if (!last) return undefined;
    const keep = `${last.base}.keep`;
    await Deno.writeTextFile(keep, "gtr fetch\n");
    for (const { pack, idx, base } of fresh) {
      await linkOrCopy(pack, `${base}.pack`);
      // git prunes what no ref leads to by the age of its pack, and a link has the store's age
      await Deno.utime(`${base}.pack`, new Date(), new Date());
      await linkOrCopy(idx, `${base}.idx`); // last: git sees a pack by its index
    }
    return keep;
  } catch (error) {
    throw explained(`can't put packs into ${folder}`, error);
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
