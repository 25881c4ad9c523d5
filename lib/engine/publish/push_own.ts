/**
 * A push to one's own address, from its request to its publication.
 *
 * @module
 */
import type { Wait } from "../../common/wait.ts";
import type { RepoAddress } from "../../identity/address.ts";
import { buildOnNewest, dropSettled, finishJoining } from "../follow/own_machines.ts";
import { changeRepository, type EngineParts } from "../parts.ts";
import { publishedManifest, publishState } from "./publish.ts";
import { applyPush, type PushRequest, type PushResult, refuseForeignPush } from "./push.ts";

/**
 * Takes a push and publishes what it changed.
 *
 * @throws {RequestError} "not-yours"
 */
export async function pushOwn(
  parts: EngineParts,
  address: RepoAddress,
  request: PushRequest,
  wait: Wait,
): Promise<PushResult[]> {
  refuseForeignPush(parts, address);
  const repository = parts.store.repository(parts.key.publicKeyHex, address.name);
  await buildOnNewest(parts, address.name, wait);
  const { objectFormat, objectDirs } = request;
  const { results, changed } = await changeRepository(parts, repository, wait, async () => {
    const joined = await finishJoining(parts, repository, wait);
    const now = await publishedManifest(repository, objectFormat);
    const { results, refs, head } = await applyPush(request, {
      refs: now?.refs ?? {},
      head: now?.head,
      gitDir: repository.path,
    }, wait);
    if (!results.some(({ ok }) => ok)) return { results, changed: joined };
    const wanted = { refs, head, objectFormat, objectDirs };
    const { changed } = await publishState(parts, repository, wanted, wait);
    await dropSettled(repository, results.flatMap(({ ok, ref }) => ok ? [ref] : []));
    return { results, changed: changed || joined };
  });
  const failures = changed
    ? await parts.seeder.offer(repository)
    : await parts.seeder.catchUp(repository);
  if (failures.length === 0) return results;
  const warnings = failures.map((why) => `not announced on ${why}`);
  const first = results.findIndex(({ ok }) => ok);
  return results.map((result, i) => i === first ? { ...result, warnings } : result);
}
