/**
 * Several events to several relays.
 *
 * @module
 */
import { type GtrError, NetworkError, toGtrError } from "../../common/errors.ts";
import { abortable, sleep } from "../../common/wait.ts";
import type { NostrEvent } from "./events/event.ts";
import { ANNOUNCEMENT, STATE } from "./events/kinds.ts";
import type { Relays } from "./relays/relays.ts";

/** How long the other relays are waited for once enough have it, in milliseconds. */
const GRACE = 500;

/** A delivery that is under way. */
export interface Delivery {
  /** Settles once enough relays have all events, or too many have failed. */
  readonly enough: Promise<void>;
  /** The relays that have all events, once all have answered or failed. Never rejects. */
  readonly all: Promise<readonly string[]>;
}

/**
 * Hands events to each relay in their order, so that none has a state whose packs it doesn't know; to
 * all relays at once, so that a slow one holds up nobody.
 *
 * @param quorum how many have to take all of them for `enough`, which else fails with "no-quorum"
 */
export function deliver(
  relays: Relays,
  urls: readonly string[],
  events: readonly NostrEvent[],
  quorum: number,
  signal: AbortSignal,
): Delivery {
  const done: string[] = [];
  const failures: GtrError[] = [];
  const reached = Promise.withResolvers<void>();
  const all = Promise.all(urls.map(async (url) => {
    try {
      for (const event of events) {
        const fault = (await relays.publish([url], event, 0, signal)).failed.get(url);
        if (fault && !(fault.code === "refused" && isExtra(event))) throw fault;
      }
      done.push(url);
      if (done.length >= quorum) reached.resolve();
    } catch (error) {
      failures.push(toGtrError(error));
    }
  })).then(() => done);
  const wait = async () => {
    if (quorum > 0) await Promise.race([reached.promise, all]);
    if (done.length < quorum) {
      signal.throwIfAborted();
      throw noQuorum(done.length, urls.length, quorum, failures);
    }
    const stop = new AbortController();
    const grace = sleep(GRACE, AbortSignal.any([signal, stop.signal])).catch(() => {});
    await Promise.race([all, grace]);
    stop.abort();
  };
  return { enough: abortable(wait(), signal), all };
}

/**
 * Relays of GRASP servers take announcements and states only: packs are found without their events, on
 * the servers that the announcement names, and what isn't deleted does no harm.
 */
function isExtra({ kind }: NostrEvent): boolean {
  return kind !== ANNOUNCEMENT && kind !== STATE;
}

function noQuorum(
  done: number,
  of: number,
  quorum: number,
  failures: readonly GtrError[],
): NetworkError {
  const why = failures.map(({ message }) => message).join("; ");
  return new NetworkError(
    "no-quorum",
    `can't publish: ${done} of ${of} relays took it, ${quorum} needed${why && `: ${why}`}`,
    { hint: "check the relays in nostr.relays, and add some" },
  );
}
