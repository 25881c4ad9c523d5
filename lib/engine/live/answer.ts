/**
 * Answering git clients from the store, for networks that carry live streams.
 *
 * @module
 */
import { unpackBudget } from "../../git_interface/budget.ts";
import { spawnUploadPack } from "../../git_interface/upload_pack.ts";
import { flowOf } from "../../manifest/flow.ts";
import type { StoredRepository } from "../../store/stored_repository.ts";
import type { LiveAnswer } from "../../ports/streams.ts";
import type { EngineParts } from "../parts.ts";

/**
 * Finds repositories of the store that have been published and are whole, and no others. One's own
 * with the flow "put" are for servers only: their data is in the networks.
 *
 * @param maySeed whether the user lets one be offered to others
 * @param isServer whether it is for, or goes to, a server that somebody chose, rather than any peer
 */
export function liveAnswer(
  { store, key }: Pick<EngineParts, "store" | "key">,
  maySeed: (repository: StoredRepository) => Promise<boolean>,
  isServer: boolean,
): LiveAnswer {
  return async ({ publisher, name }) => {
    const repository = store.repository(publisher, name);
    const manifest = await repository.usableManifest();
    if (!manifest || !await maySeed(repository)) return undefined;
    const isPut = publisher === key.publicKeyHex && flowOf(manifest.manifest) === "put";
    if ((isPut && !isServer) || !await repository.isWhole()) return undefined;
    return {
      manifest,
      open: async (signal, form) => {
        const packs = await repository.packs();
        const budget = unpackBudget(packs.reduce((sum, { pack }) => sum + pack.size, 0));
        const options = { protocol: 2, ...form, budget, signal } as const;
        const git = await spawnUploadPack(repository.path, options);
        return { readable: git.stdout, writable: git.stdin };
      },
    };
  };
}
