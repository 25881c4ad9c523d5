/**
 * The packs that publishing would make, without publishing: `gtr pack`.
 *
 * @module
 */
import { join } from "node:path";
import type { Wait } from "../common/wait.ts";
import { magnetLink } from "../manifest/pack_torrent.ts";
import { makePacks } from "./make_packs.ts";
import type { EngineParts } from "./parts.ts";
import { joinRefs, readSharedState } from "./working_repository.ts";

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
  const exists = await repository.exists();
  const published = exists ? (await repository.manifest())?.manifest : undefined;
  // Before the first publication the working repository itself is where packs are made from.
  const from = exists ? repository.path : gitDir;
  const lastSeen = exists ? (await repository.state()).sources[gitDir] ?? {} : {};
  const joined = await joinRefs(state, lastSeen, published?.refs ?? {}, {
    gitDir: from,
    signal: wait.signal,
  });
  const directory = await Deno.makeTempDir({
    dir: join(parts.home.root, "cache"),
    prefix: "plan-",
  });
  try {
    const { kept, made } = await makePacks({
      gitDir: from,
      objectDirs: state.objectDirs,
      previous: published?.packs ?? [],
      refs: joined.refs,
      fromScratch: joined.unshared,
      directory,
    }, wait);
    return [...kept, ...(made ? [made.pack] : [])].map((pack) => ({
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
