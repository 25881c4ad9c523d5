/**
 * Taking what was shared out of the store and off the networks.
 *
 * @module
 */
import type { Wait } from "../../common/wait.ts";
import type { StoredRepository } from "../../store/stored_repository.ts";
import { changeRepository, type EngineParts } from "../parts.ts";
import { type PublishOutcome, publishState } from "./publish.ts";

/** What is left if nothing is shared any more. */
const NOTHING_SHARED: PublishOutcome = {
  addresses: {},
  sequence: 0,
  changed: false,
  warnings: [],
  diverged: [],
};

/** Withdraws a repository of one's own, also one that was made by pushing. */
export async function withdrawNamed(
  parts: EngineParts,
  name: string,
  wait: Wait,
): Promise<PublishOutcome> {
  const repository = parts.store.repository(parts.key.publicKeyHex, name);
  return await repository.exists() ? await withdraw(parts, repository, wait) : NOTHING_SHARED;
}

/** Withdraws what was published from a working repository. */
export async function withdrawSource(
  parts: EngineParts,
  gitDir: string,
  wait: Wait,
): Promise<PublishOutcome> {
  let outcome = NOTHING_SHARED;
  for (const repository of await parts.store.repositories()) {
    if (repository.publisher !== parts.key.publicKeyHex) continue;
    if (!(gitDir in (await repository.state()).sources)) continue;
    outcome = await withdraw(parts, repository, wait);
  }
  return outcome;
}

async function withdraw(
  parts: EngineParts,
  repository: StoredRepository,
  wait: Wait,
): Promise<PublishOutcome> {
  // Others pass on the newest state they have seen: the last one says that nothing is shared.
  const last = await changeRepository(parts, repository, wait, async () => {
    const now = (await repository.usableManifest())?.manifest;
    if (!now) return undefined;
    const { head, objectFormat } = now;
    const nothing = { refs: {}, head, objectFormat, objectDirs: [], fromScratch: true };
    return (await publishState(parts, repository, nothing, wait)).signed.manifest;
  });
  const failures = last ? await parts.seeder.offer(repository) : [];
  await changeRepository(parts, repository, wait, () => repository.purge());
  // Last: an offer that was on its way finds nothing any more.
  await parts.seeder.forget(repository, last);
  parts.log(`stopped sharing ${repository.name}`);
  const warnings = failures.map((why) => `others are not told that it is gone, on ${why}`);
  return { ...NOTHING_SHARED, changed: true, warnings };
}
