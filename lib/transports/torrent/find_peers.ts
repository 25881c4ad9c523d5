/**
 * Who may have a torrent: addresses given, then what the DHT says, again and again.
 *
 * @module
 */
import type { Buffer } from "node:buffer";
import { sleep } from "../../common/wait.ts";
import type { Dht } from "./dht/dht.ts";
import { type Address, formatHostPort } from "./address.ts";

/** Milliseconds between two rounds of lookups, which double each time up to the second figure. */
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 15_000;

/** What is looked for, and who is told. */
export interface PeerSearch {
  /** Addresses to try before anything else. */
  readonly known: readonly Address[];
  /** Infohashes and other targets that peers announce themselves under. */
  readonly targets: readonly Buffer[];
  readonly signal: AbortSignal;
  /** Whether there are enough peers by now, so that the next round can wait; default no. */
  readonly isEnough?: () => boolean;
  /**
   * A round of lookups has ended; `found` is the number of addresses known so far, and `foundAt` when
   * the last of them was, by the monotonic clock.
   */
  readonly onRound?: (found: number, foundAt: number) => void;
}

/** Addresses of peers, each once, until the signal aborts; the stream then ends. */
export function findPeers(dht: Pick<Dht, "lookup">, search: PeerSearch): ReadableStream<Address> {
  const stop = new AbortController();
  const signal = AbortSignal.any([search.signal, stop.signal]);
  const seen = new Set<string>();
  let foundAt = -Infinity;
  return new ReadableStream<Address>({
    start: (controller) => {
      const offer = (address: Address) => {
        const key = formatHostPort(address);
        if (signal.aborted || seen.has(key)) return;
        seen.add(key);
        foundAt = performance.now();
        controller.enqueue(address);
      };
      const drain = async (target: Buffer) => {
        try {
          for await (const address of dht.lookup(target, { signal })) offer(address);
        } catch {
          // Unreachable or aborted. Known addresses may still work, and the next round may find more.
        }
      };
      search.known.forEach(offer);
      (async () => {
        for (let pause = FIRST_PAUSE_MS;; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
          await Promise.all(search.targets.map(drain));
          signal.throwIfAborted();
          search.onRound?.(seen.size, foundAt);
          await sleep(search.isEnough?.() ? LONGEST_PAUSE_MS : pause, signal);
        }
      })().catch(() => {
        if (!stop.signal.aborted) controller.close();
      });
    },
    cancel: () => stop.abort(),
  });
}
