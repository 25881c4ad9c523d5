/**
 * From a working repository to its publication.
 *
 * @module
 */
import type { Home } from "../common/home.ts";
import type { Wait } from "../common/wait.ts";
import { readRepositorySettings } from "../exporter/repository_settings.ts";
import { Shares } from "../exporter/shares.ts";
import { changeRepository, type EngineParts } from "./parts.ts";
import { ownAddresses, publishedManifest, publishState } from "./publish.ts";
import { withdrawSource } from "./withdraw.ts";
import { joinPublished, readSharedState } from "./working_repository.ts";

/** What publishing a working repository came to. */
export interface PublishOutcome {
  readonly addresses: Record<string, string>;
  readonly sequence: number;
  readonly changed: boolean;
  readonly warnings: readonly string[];
}

/**
 * Publishes what the working repository shares now, and tells the networks. One that shares nothing
 * any more leaves the store and the networks.
 *
 * @param gitDir its common git directory
 */
export async function publishShared(
  parts: EngineParts,
  gitDir: string,
  wait: Wait,
): Promise<PublishOutcome> {
  if (await sharesNothing(parts.home, gitDir)) return await withdrawSource(parts, gitDir, wait);
  const state = await readSharedState(gitDir, wait.signal);
  const { name, description, flow = "both" } = state.settings;
  const repository = parts.store.repository(parts.key.publicKeyHex, name);
  const { signed, changed, warnings } = await changeRepository(
    ...[parts, repository, wait] as const,
    async () => {
      const published = await publishedManifest(repository, state.objectFormat);
      const joined = await joinPublished(state, gitDir, repository, published, wait.signal);
      const outcome = await publishState(parts, repository, {
        refs: joined.refs,
        head: state.head,
        objectFormat: state.objectFormat,
        description,
        flow,
        objectDirs: state.objectDirs,
        fromScratch: joined.unshared,
      }, wait);
      await repository.writeState({ role: "published", sources: { [gitDir]: joined.seen } });
      return { ...outcome, warnings: joined.warnings };
    },
  );
  // gtd may have seen the change first, and be telling the networks at this moment.
  const failures = changed
    ? await parts.seeder.offer(repository)
    : await parts.seeder.catchUp(repository);
  return {
    addresses: ownAddresses(parts, name),
    sequence: signed.manifest.sequence,
    changed,
    warnings: [...warnings, ...failures.map((why) => `not announced on ${why}`)],
  };
}

/** Whether the last branch was taken out of sharing, or the folder is off the list altogether. */
async function sharesNothing(home: Home, gitDir: string): Promise<boolean> {
  const settings = await readRepositorySettings(gitDir);
  if (settings) return settings.branches.length === 0;
  return (await new Shares(home).list()).every((share) => share.gitDir !== gitDir);
}
