/**
 * One file from whoever has it: peers, and where they are silent the DHT itself.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { rename } from "node:fs/promises";
import { writeFileAtomic } from "../../common/atomic_file.ts";
import { GtrError, NetworkError } from "../../common/errors.ts";
import { idleDeadline, sleep, type Wait } from "../../common/wait.ts";
import type { FetchWait } from "../../ports/packs.ts";
import type { Dht } from "./dht/dht.ts";
import type { Address } from "./address.ts";
import { findPeers } from "./find_peers.ts";
import type { Swarm } from "./swarm/swarm.ts";

/** A fetch that takes longer than this many milliseconds is announced: others can have parts of it. */
const ANNOUNCE_AFTER_MS = 500;
/** So many connected peers tell of others: the DHT need not be asked again soon. */
const ENOUGH_PEERS = 8;
/**
 * A peer that can be connected to answers within so many milliseconds, even if the first packet is
 * lost: it is sent again after a second (RFC 6298, section 2).
 */
const ANSWER_MS = 1500;
/** Peers that send nothing for so many milliseconds are not waited for any longer. */
const PATIENCE_MS = 1000;

/** A file, and all that may help to find it. */
export interface WantedFile {
  /** For errors: "pack 1234...". */
  readonly what: string;
  readonly infohash: string;
  /** Its name in the torrent. */
  readonly name: string;
  readonly size: number;
  /** Addresses to try at once. */
  readonly known: readonly Address[];
  /** What peers that have it announce themselves under, besides the infohash. */
  readonly targets: readonly Buffer[];
  readonly into: string;
  /** Reads and verifies it from the DHT; undefined where it can't be there. */
  readonly fromItems?: (wait: Wait) => Promise<Uint8Array>;
  /** Milliseconds without a byte from anyone until the error. */
  readonly timeoutMs: number;
}

/**
 * Fetches the file, resuming what is there of it.
 *
 * @throws {NetworkError} "nobody-answered" where nothing comes for `timeout` milliseconds
 */
export async function fetchFile(
  parts: { readonly dht: Dht; readonly swarm: Swarm; readonly dropped: (reason: string) => void },
  file: WantedFile,
  wait: FetchWait,
): Promise<void> {
  const hint =
    "someone who has it must be online, and reachable from outside: gtr doctor, run there, tells";
  using idle = idleDeadline(file.timeoutMs, file.what, wait.signal, hint);
  const done = new AbortController();
  const signal = AbortSignal.any([idle.signal, done.signal]);
  const patienceMs = Math.min(PATIENCE_MS, file.timeoutMs / 4);
  let lastByte = -Infinity;
  const noPeers = Promise.withResolvers<void>();
  const progress: Wait["progress"] = (bytes, total, what) => {
    lastByte = performance.now();
    idle.touch();
    wait.progress?.(bytes, total, what);
  };
  let peers = 0;
  const connected = (count: number) => {
    peers = count;
    wait.connected?.(count);
  };
  connected(0);

  const bySwarm = parts.swarm.fetch({
    infohash: file.infohash,
    name: file.name,
    length: file.size,
    maxLength: file.size,
    into: file.into,
    signal,
    progress,
    prefix: wait.prefix,
    trace: wait.trace,
    connected,
    peers: findPeers(parts.dht, {
      known: file.known,
      targets: [Buffer.from(file.infohash, "hex"), ...file.targets],
      signal,
      isEnough: () => peers >= ENOUGH_PEERS,
      onRound: (found, foundAt) => {
        if (found === 0) noPeers.resolve();
        sleep(Math.max(0, foundAt + ANSWER_MS - performance.now()), signal)
          .then(() => wait.searched?.(), () => {});
      },
    }),
  });

  const announce = async () => {
    await sleep(ANNOUNCE_AFTER_MS, signal);
    const { announcedPort, port } = parts.swarm;
    const infohash = Buffer.from(file.infohash, "hex");
    await parts.dht.announce(infohash, { 4: announcedPort, 6: port }, { signal });
  };
  announce().catch(() => {}); // it ended before, or nobody answers: others may still find us by PEX

  /** Resolves with the content only: the swarm still has the file open. */
  const byItems = async (read: (wait: Wait) => Promise<Uint8Array>): Promise<Uint8Array> => {
    await Promise.race([noPeers.promise, sleep(patienceMs, signal)]);
    for (;;) {
      if (performance.now() - lastByte >= patienceMs) {
        try {
          const progress = () => {
            idle.touch();
            wait.connected?.(1); // the DHT, which has it
          };
          return await read({ signal, progress });
        } catch (error) {
          signal.throwIfAborted();
          if (!(error instanceof GtrError)) throw error;
          if (!(error instanceof NetworkError)) parts.dropped(error.code);
        }
      }
      await sleep(patienceMs, signal);
    }
  };

  const items = file.fromItems ? byItems(file.fromItems) : new Promise<never>(() => {});
  items.catch(() => {}); // ends with the signal when the swarm was faster
  const ended = bySwarm.then(() => undefined, async (error) => {
    // A disk that fails won't do better for items; lies and silence of peers don't matter to them.
    const peersOnly = error instanceof NetworkError || error.code?.startsWith("wrong-") ||
      error.code === "bad-metainfo";
    if (!peersOnly || !file.fromItems || signal.aborted) throw error;
    return await items;
  });
  try {
    const content = await Promise.race([ended, items]);
    if (!content) return;
    done.abort();
    await bySwarm.catch(() => {});
    await writeFileAtomic(`${file.into}.items`, content);
    await rename(`${file.into}.items`, file.into);
    wait.progress?.(file.size, file.size, file.what);
  } catch (error) {
    wait.signal.throwIfAborted();
    idle.signal.throwIfAborted();
    throw error;
  } finally {
    done.abort();
    await bySwarm.catch(() => {});
  }
}
