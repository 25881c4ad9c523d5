/**
 * Following others' repositories, and which of them are passed on.
 *
 * @module
 */
import { RequestError, toGtrError } from "../../common/errors.ts";
import type { Wait } from "../../common/wait.ts";
import { formatAddress, type RepoAddress } from "../../identity/address.ts";
import { publisherId } from "../../identity/keys.ts";
import { missingBranches } from "../../manifest/branches.ts";
import type { StoredRepository } from "../../store/stored_repository.ts";
import { changeRepository, type EngineParts } from "../parts.ts";
import { type Synced, syncRepository } from "../fetch/sync.ts";

/** What unfollowing came to. */
export interface Unfollowed {
  readonly address: string;
  /** Whether the copy has left the store. */
  readonly removed: boolean;
  /** What the person should know about the name in the address. */
  readonly warning?: string;
}

/** Whether `seed.policy` lets a repository be offered to others. One's own always is. */
export async function maySeed(
  { key, settings, follows }: Pick<EngineParts, "key" | "settings" | "follows">,
  repository: StoredRepository,
): Promise<boolean> {
  if (repository.publisher === key.publicKeyHex) return true;
  const policy = settings.get("seed.policy");
  return policy === "cloned" || (policy === "followed" && await follows.has(repository));
}

/**
 * Fetches a repository and, once it is whole, puts it on the list of those that are kept up to date.
 *
 * @param branches short names: from then on only publications that change one of these are fetched;
 * undefined for all publications. Either replaces what was asked for before
 * @throws {RequestError} "own-repository", "over-quota"
 * @throws {NetworkError} nobody has it
 */
export async function followRepository(
  parts: EngineParts,
  address: RepoAddress,
  wait: Wait,
  branches?: readonly string[],
): Promise<Synced> {
  refuseOwn(parts, address, "follow", "what you share is published and passed on anyway");
  const synced = await syncRepository(parts, address, wait);
  const { repository } = synced;
  const { publisher, name } = repository;
  await parts.follows.put({ scheme: address.scheme, publisher, name, branches }, wait.signal);
  // The policy may allow it only now.
  void parts.seeder.offer(repository).catch((error) =>
    parts.log(`can't seed ${name}: ${toGtrError(error).message}`)
  );
  const missing = missingBranches(branches ?? [], synced.signed.manifest);
  const warning = [synced.warning, missing].filter((text) => text !== undefined).join("; ");
  return warning === "" ? synced : { ...synced, warning };
}

/**
 * Takes a repository off the list and its copy out of the store; also a copy that was only cloned.
 *
 * @param keep leave the copy where it is, as if it had been cloned only
 * @throws {RequestError} "not-followed", "own-repository"
 */
export async function unfollowRepository(
  parts: EngineParts,
  address: RepoAddress,
  keep: boolean,
  wait: Wait,
): Promise<Unfollowed> {
  refuseOwn(parts, address, "unfollow", `gtr remove --repository ${address.name} stops sharing it`);
  const { name } = address;
  const publisher = address.publicKey ?? await publisherOf(parts, address.id);
  const repository = publisher === undefined ? undefined : parts.store.repository(publisher, name);
  const followed = repository && await parts.follows.remove(repository, wait.signal);
  if (!repository || (!followed && (keep || !await repository.exists()))) {
    throw new RequestError(
      "not-followed",
      `can't unfollow ${formatAddress(address)}: it is not followed`,
      { hint: "gtr follow lists what is" },
    );
  }
  const signed = await changeRepository(parts, repository, wait, async () => {
    const signed = await repository.usableManifest();
    if (!keep) await repository.purge();
    return signed;
  });
  if (!await repository.exists() || !await maySeed(parts, repository)) {
    await parts.seeder.forget(repository, signed?.manifest);
  }
  await parts.refused.forget(repository).catch((error) => parts.log(toGtrError(error).message));
  parts.log(`no longer following ${name}`);
  return { address: formatAddress(address), removed: !keep };
}

async function publisherOf(parts: EngineParts, id: string): Promise<string | undefined> {
  const follow = (await parts.follows.list()).find(({ publisher }) =>
    publisherId(Uint8Array.fromHex(publisher)) === id
  );
  return follow?.publisher ?? await parts.store.publisherKey(id);
}

function refuseOwn(parts: EngineParts, address: RepoAddress, verb: string, hint: string): void {
  if (address.id !== parts.key.id) return;
  throw new RequestError(
    "own-repository",
    `can't ${verb} ${formatAddress(address)}: it is your own`,
    { hint },
  );
}
