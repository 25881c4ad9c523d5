/**
 * Waiting until others have what was published.
 *
 * @module
 */
import { toGtrError } from "../common/errors.ts";
import { deadline, sleep, type Wait } from "../common/wait.ts";
import type { Holder, Transport } from "../transports/transport.ts";
import type { EngineParts } from "./parts.ts";

/** Peers are asked when one tells of the publication, and so often anyway, in milliseconds. */
const ASK_AGAIN_MS = 2000;
/** Strangers may tell of something as often as they like. */
const SHORTEST_MS = 100;

/**
 * Waits until `publish.quorum` peers have all packs of what is published of one's own repository, or
 * for `publish.quorumWait` seconds. Who has it on several networks counts once: each network is
 * counted for itself, and the largest number is taken.
 *
 * @returns what is missing, in words; undefined where enough peers have it
 */
export async function awaitQuorum(
  { settings, transports, key, store, log }: EngineParts,
  name: string,
  wait: Wait,
): Promise<string | undefined> {
  const repository = store.repository(key.publicKeyHex, name);
  const wanted = settings.get("publish.quorum");
  const published = wanted > 0 ? (await repository.usableManifest())?.manifest : undefined;
  if (!published) return undefined;
  const seconds = settings.get("publish.quorumWait");
  using limit = deadline(seconds * 1000, "peers to have the publication", wait.signal);
  using watches = new DisposableStack();
  let news = Promise.withResolvers<void>();
  for (const transport of transports) {
    const watch = transport.onNotice?.(published, () => news.resolve());
    if (watch) watches.use(watch);
  }
  const ask = async (transport: Transport): Promise<readonly Holder[]> => {
    // What was published meanwhile may have replaced the packs; who has that is as good.
    const manifest = (await repository.usableManifest())?.manifest ?? published;
    try {
      return await transport.holders?.(manifest, { signal: limit.signal, search: false }) ?? [];
    } catch (error) {
      limit.signal.throwIfAborted();
      log(`can't ask who has ${name}: ${toGtrError(error).message}`);
      return [];
    }
  };
  const counted = transports.map((transport) => ({ transport, peers: new Set<string>() }));
  const most = () => Math.max(0, ...counted.map(({ peers }) => peers.size));
  try {
    for (;;) {
      news = Promise.withResolvers();
      await Promise.all(counted.map(async ({ transport, peers }) => {
        for (const { peer, sequence, complete } of await ask(transport)) {
          if (complete && sequence >= published.sequence) peers.add(peer);
        }
      }));
      wait.progress?.(Math.min(most(), wanted), wanted, "Peers that have it");
      if (most() >= wanted) return undefined;
      await Promise.race([news.promise, sleep(ASK_AGAIN_MS, limit.signal)]);
      await sleep(SHORTEST_MS, limit.signal);
    }
  } catch (error) {
    wait.signal.throwIfAborted();
    if (!limit.signal.aborted) throw error;
  }
  const peers = wanted === 1 ? "peer has" : "peers have";
  return `published, but only ${most()} of ${wanted} ${peers} it after ${seconds} s`;
}
