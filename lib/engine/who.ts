/**
 * Who has a commit: which repositories here contain it, and which peers have those.
 *
 * @module
 */
import { RequestError, toGtrError } from "../common/errors.ts";
import { mapLimited } from "../common/map_limited.ts";
import { deadline, type Wait } from "../common/wait.ts";
import { contains, isReachable } from "../git_interface/refs.ts";
import { formatAddress, type RepoAddress } from "../identity/address.ts";
import { publisherId } from "../identity/keys.ts";
import type { Manifest } from "../manifest/types.ts";
import type { StoredRepository } from "../store/stored_repository.ts";
import { ANY_NETWORK } from "../transports/known.ts";
import { answerTimeout, type EngineParts } from "./parts.ts";

/** Repositories that git looks through at once. */
const SEARCHES = 4;

/** What a peer of such a repository has, as far as it says: see `docs/protocol.md`. */
export interface PeerWithCommit {
  readonly network: string;
  readonly peer: string;
  /** The publication that it says it has, 0 if it says nothing. */
  readonly sequence: number;
  /**
   * "yes": it says that it has every pack up to the commit's. "claimed": it says that it has this
   * publication, and hasn't shown the packs. "older": neither.
   */
  readonly has: "yes" | "claimed" | "older";
}

/** A repository here whose published state contains the commit. */
export interface RepositoryWithCommit {
  readonly address: string;
  /** Of the copy here. */
  readonly sequence: number;
  readonly peers: readonly PeerWithCommit[];
}

/** The answer, and what the person should know about the name in the address that was asked for. */
export interface CommitFound {
  readonly repositories: readonly RepositoryWithCommit[];
  readonly warning?: string;
}

/**
 * Asks the peers of every repository in the store whose manifest's closure contains the commit.
 *
 * @param commit its full object id
 * @param only look at this repository, not at all
 * @throws {RequestError} "unknown-commit" if no repository here contains it
 */
export async function whoHas(
  parts: EngineParts,
  commit: string,
  only: RepoAddress | undefined,
  wait: Wait,
): Promise<RepositoryWithCommit[]> {
  const repositories = (await parts.store.repositories()).filter(({ publisher, name }) =>
    !only || (name === only.name && publisherId(Uint8Array.fromHex(publisher)) === only.id)
  );
  const containing = (await mapLimited(repositories, SEARCHES, async (repository) => {
    try {
      return await upTo(repository, commit, wait.signal);
    } catch (error) {
      wait.signal.throwIfAborted();
      parts.log(`can't look for a commit in ${repository.name}: ${toGtrError(error).message}`);
      return undefined;
    }
  })).filter((manifest) => manifest !== undefined);
  const scheme = parts.networks[0]?.scheme ?? ANY_NETWORK;
  const found = await Promise.all(containing.map(async (manifest) => {
    const { publisher, name, sequence } = manifest;
    const address = formatAddress({ scheme, id: publisherId(Uint8Array.fromHex(publisher)), name });
    return { address, sequence, peers: await ask(parts, manifest, wait) };
  }));
  if (found.length > 0) return found;
  const where = only ? `the copy of ${formatAddress(only)} here` : "no repository here";
  throw new RequestError(
    "unknown-commit",
    `can't say who has ${commit.slice(0, 12)}: ${where} ${only ? "lacks it" : "has it"}`,
    { hint: "gtr status lists the repositories; what is not shared nobody else has" },
  );
}

/**
 * What a repository has published, with no more packs than hold the commit and all before it: older
 * peers may have these and no others. Undefined if it lacks the commit.
 */
async function upTo(
  repository: StoredRepository,
  commit: string,
  signal: AbortSignal,
): Promise<Manifest | undefined> {
  const { path } = repository;
  const manifest = (await repository.usableManifest())?.manifest;
  if (!manifest || !await contains(path, commit, signal)) return undefined;
  const { packs } = manifest;
  for (const [i, { tips }] of packs.entries()) {
    if (await isReachable(path, commit, tips, signal)) {
      return { ...manifest, packs: packs.slice(0, i + 1) };
    }
  }
  return manifest;
}

async function ask(parts: EngineParts, manifest: Manifest, wait: Wait): Promise<PeerWithCommit[]> {
  using limit = deadline(answerTimeout(parts), "peers to say what they have", wait.signal);
  const answers = await Promise.all(parts.networks.map(async ({ scheme, packs }) => {
    try {
      const search = { signal: limit.signal, search: true };
      const holders = await packs?.holders(manifest, search) ?? [];
      return holders.map(({ peer, sequence, complete }): PeerWithCommit => ({
        network: scheme,
        peer,
        sequence,
        has: complete ? "yes" : sequence >= manifest.sequence ? "claimed" : "older",
      }));
    } catch (error) {
      wait.signal.throwIfAborted();
      parts.log(`can't ask who has ${manifest.name}: ${toGtrError(error).message}`);
      return [];
    }
  }));
  return answers.flat();
}
