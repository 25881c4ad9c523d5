/**
 * Answering git clients from the store, for networks that carry live streams.
 *
 * @module
 */
import { spawnUploadPack } from "../git_interface/upload_pack.ts";
import type { Store } from "../store/store.ts";
import type { StoredRepository } from "../store/stored_repository.ts";
import type { LiveAnswer } from "../transports/transport.ts";

/**
 * Finds repositories of `store` that have been published and are whole, and no others.
 *
 * @param maySeed whether the user lets one be offered to others
 */
export function liveAnswer(
  store: Store,
  maySeed: (repository: StoredRepository) => Promise<boolean>,
): LiveAnswer {
  return async ({ publisher, name }) => {
    const repository = store.repository(publisher, name);
    const manifest = await repository.usableManifest();
    if (!manifest || !await maySeed(repository)) return undefined;
    const { packs } = await repository.state();
    if ((await repository.packs()).length !== packs.length) return undefined;
    return {
      manifest,
      open: async (signal, form) => {
        const git = await spawnUploadPack(repository.path, { protocol: 2, ...form, signal });
        return { readable: git.stdout, writable: git.stdin };
      },
    };
  };
}
