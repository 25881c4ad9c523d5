/**
 * The packs that publishing would make, without publishing: `gtr pack`.
 *
 * @module
 */
import { join } from "node:path";
import type { Wait } from "../../common/wait.ts";
import { magnetLink } from "../../manifest/pack_torrent.ts";
import { makePacks, smallestLimit } from "./make_packs.ts";
import type { EngineParts } from "../parts.ts";
import { publishedManifest } from "./publish.ts";
import { joinPublished, readSharedState } from "./working_repository.ts";

/** One pack of the next publication. */
export interface PlannedPack {
  readonly sha256: string;
  readonly infohash: string;
  readonly size: number;
  readonly objects: number;
  readonly magnet: string;
}

/** Makes the packs in a temporary folder, describes them and throws them away. */
export async function plannedPacks(
  parts: EngineParts,
  gitDir: string,
  wait: Wait,
): Promise<PlannedPack[]> {
  const state = await readSharedState(gitDir, wait.signal);
  const repository = parts.store.repository(parts.key.publicKeyHex, state.settings.name);
  const published = await publishedManifest(repository, state.objectFormat);
  const joined = await joinPublished(state, gitDir, repository, published, wait.signal);
  const cache = join(parts.home.root, "cache");
  await Deno.mkdir(cache, { recursive: true });
  const directory = await Deno.makeTempDir({ dir: cache, prefix: "plan-" });
  try {
    const { packs } = await makePacks({
      // Before the first publication the working repository itself is where packs are made from.
      gitDir: await repository.exists() ? repository.path : gitDir,
      objectDirs: state.objectDirs,
      previous: published ? (await repository.state()).packs : [],
      refs: joined.refs,
      fromScratch: joined.unshared,
      maxPack: smallestLimit(parts.networks),
      directory,
    }, wait);
    return packs.map((pack) => ({
      sha256: pack.sha256,
      infohash: pack.infohash,
      size: pack.size,
      objects: pack.objects,
      magnet: magnetLink(pack),
    }));
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}
