/**
 * Waiting until others have what was published.
 *
 * @module
 */
import { toGtrError } from "../../common/errors.ts";
import { abortable, deadline, sleep, type Wait } from "../../common/wait.ts";
import type { Manifest } from "../../manifest/types.ts";
import type { OpenNetwork } from "../../ports/network.ts";
import type { Holder, Packs } from "../../ports/packs.ts";
import type { EngineParts } from "../parts.ts";

/** Peers are asked when one tells of the publication, and so often anyway, in milliseconds. */
const ASK_AGAIN_MS = 2000;
/** Not more often, since strangers may tell of things as often as they like. */
const SHORTEST_MS = 500;

/**
 * Waits until `publish.quorum` peers have all packs of what is published of one's own repository, or
 * for `publish.quorumWait` seconds. A peer that has it on several networks counts once: each
 * network is counted for itself, and the largest number is taken.
 *
 * @returns what is missing, in words; undefined if enough peers have it
 */
export async function awaitQuorum(
  { settings, networks, key, store, log }: EngineParts,
  name: string,
  wait: Wait,
): Promise<string | undefined> {
  const repository = store.repository(key.publicKeyHex, name);
  const wanted = settings.get("publish.quorum");
  const published = wanted > 0 ? (await repository.usableManifest())?.manifest : undefined;
  if (!published) return undefined;
  const seconds = settings.get("publish.quorumWait");
  using limit = deadline(seconds * 1000, "peers to have the publication", wait.signal);
  const reached = new AbortController();
  const signal = AbortSignal.any([limit.signal, reached.signal]);
  const counted: Set<string>[] = [];
  const most = () => Math.max(0, ...counted.map(({ size }) => size));
  /** Returns once enough peers of one network have it. */
  const watch = async ({ notices, packs }: OpenNetwork): Promise<void> => {
    const peers = new Set<string>();
    counted.push(peers);
    let news = Promise.withResolvers<void>();
    using _notices = notices?.watch(published, () => news.resolve());
    for (;;) {
      news = Promise.withResolvers();
      // What was published meanwhile may have replaced the packs; peers that have that are as good.
      const manifest = (await repository.usableManifest())?.manifest ?? published;
      for (const { peer, sequence, complete } of await ask(packs, manifest)) {
        if (complete && sequence >= published.sequence) peers.add(peer);
      }
      wait.progress?.(Math.min(most(), wanted), wanted, "Peers that have it");
      if (peers.size >= wanted) return;
      await Promise.race([news.promise, sleep(ASK_AGAIN_MS, signal)]);
      await sleep(SHORTEST_MS, signal);
    }
  };
  const ask = async (packs: Packs | undefined, manifest: Manifest): Promise<readonly Holder[]> => {
    try {
      return await packs?.holders(manifest, { signal, search: false }) ?? [];
    } catch (error) {
      signal.throwIfAborted();
      log(`can't ask who has ${name}: ${toGtrError(error).message}`);
      return [];
    }
  };
  try {
    await abortable(Promise.race(networks.map(watch)), limit.signal);
    return undefined;
  } catch (error) {
    wait.signal.throwIfAborted();
    if (!limit.signal.aborted) throw error;
  } finally {
    reached.abort();
  }
  const peers = wanted === 1 ? "peer has" : "peers have";
  return `published, but only ${most()} of ${wanted} ${peers} it after ${seconds} s`;
}
