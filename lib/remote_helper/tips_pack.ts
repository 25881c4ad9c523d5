/**
 * Sparing git a walk over all objects after a clone.
 *
 * @module
 */
import { join } from "node:path";
import { runGit } from "../git_interface/run.ts";

/**
 * Writes a pack of just the objects `oids`.
 *
 * When a helper says `connectivity-ok`, git takes its word for the refs that it finds in the one
 * pack that the helper locked, and walks from all others. With refs in several packs only a small
 * extra one can hold them all.
 *
 * @param gitDir the repository of the store that has them
 * @param directory where the pack and its index go
 * @returns the path of the pack
 */
export async function writeTipsPack(
  gitDir: string,
  oids: readonly string[],
  directory: string,
  signal: AbortSignal,
): Promise<string> {
  const { stdout } = await runGit(
    ["-c", "pack.packSizeLimit=0", "pack-objects", "-q", "--threads=1", join(directory, "pack")],
    {
      gitDir,
      // git makes the file among the objects and renames it: the store may be on another file system.
      objectDirectory: directory,
      alternates: [join(gitDir, "objects")],
      input: oids.join("\n") + "\n",
      signal,
    },
  );
  return join(directory, `pack-${stdout.trim()}.pack`);
}
