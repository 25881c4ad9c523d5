/**
 * Asking the DHT of IPv4 and that of IPv6 (BEP 32) the same.
 *
 * @module
 */
import type { Walker } from "./walk.ts";

/** What {@linkcode inAll} needs to know of a walker. */
export type Walks = Pick<Walker, "joined" | "nodes">;

/**
 * Runs a walk in each DHT, and resolves with what those that succeeded returned.
 *
 * A machine may have IPv6 that leads nowhere, or no IPv4: where no node was ever met, a walk is
 * waited for no longer than the other one takes, and not before the first try to join has ended.
 *
 * @throws the error of the first walk where none succeeded
 */
export async function inAll<W extends Walks, T>(
  walkers: readonly W[],
  signal: AbortSignal,
  walk: (walker: W, signal: AbortSignal) => Promise<T>,
): Promise<T[]> {
  const walks = walkers.map((walker) => ({ walker, stop: new AbortController() }));
  const outcomes = await Promise.allSettled(walks.map(async ({ walker, stop }) => {
    const value = await walk(walker, AbortSignal.any([signal, stop.signal]));
    if (walker.nodes > 0) {
      for (const other of walks) {
        void other.walker.joined.then(() => other.walker.nodes > 0 || other.stop.abort());
      }
    }
    return value;
  }));
  const values = outcomes.flatMap((one) => one.status === "fulfilled" ? [one.value] : []);
  if (values.length > 0) return values;
  throw (outcomes[0] as PromiseRejectedResult).reason;
}
