/**
 * Several events to several relays.
 *
 * @module
 */
import { type GtrError, NetworkError, toGtrError } from "../../../common/errors.ts";
import { abortable, sleep } from "../../../common/wait.ts";
import type { NostrEvent } from "../events/event.ts";
import { ANNOUNCEMENT, STATE } from "../events/kinds.ts";
import type { Relays } from "./relays.ts";

/** How long the other relays are waited for once enough have it, in milliseconds. */
const GRACE_MS = 500;

/** A delivery that is under way. */
export interface Delivery {
  /** Settles once enough relays have all events, or too many have failed. */
  readonly enough: Promise<void>;
  /** The relays that have all events, once all have answered or failed. Never rejects. */
  readonly all: Promise<readonly string[]>;
}

/** Files that travel in events. */
export interface Cargo {
  /** Hands a relay all of it; fails with "refused" where the relay won't have it. */
  readonly hand: (url: string, signal: AbortSignal) => Promise<void>;
  /** How many relays need to have it before those that won't are told what points to it. */
  readonly quorum: number;
}

/**
 * Hands events to each relay in their order, so that none has a state whose packs it doesn't know; to
 * all relays at once, so that a slow one holds up nobody. Cargo comes after the first event, the
 * announcement, as some relays take only what belongs to one. A relay that refuses cargo gets the rest
 * once enough others have it: nothing is told of what nobody can get.
 *
 * @param quorum how many have to take all of them for `enough`, which else fails with "no-quorum"
 */
export function deliver(
  relays: Relays,
  urls: readonly string[],
  events: readonly NostrEvent[],
  quorum: number,
  signal: AbortSignal,
  cargo?: Cargo,
): Delivery {
  const done: string[] = [];
  const failures: GtrError[] = [];
  const reached = Promise.withResolvers<void>();
  const gate = cargo && new Gate(urls.length, cargo.quorum);
  const hand = async (url: string, event: NostrEvent) => {
    const fault = (await relays.publish([url], event, 0, signal)).failed.get(url);
    if (fault && !(fault.code === "refused" && isExtra(event))) throw fault;
  };
  const all = Promise.all(urls.map(async (url) => {
    const [first, ...others] = events;
    try {
      try {
        if (first) await hand(url, first);
      } catch (error) {
        gate?.told(false);
        throw error;
      }
      const refusal = await cargo?.hand(url, signal).then(
        () => gate!.told(true),
        (error) => {
          gate!.told(false);
          if (error.code === "refused") return error as GtrError;
          throw error;
        },
      );
      if (refusal && !await gate!.opened) throw refusal;
      for (const event of others) await hand(url, event);
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
    const grace = sleep(GRACE_MS, AbortSignal.any([signal, stop.signal])).catch(() => {});
    await Promise.race([all, grace]);
    stop.abort();
  };
  return { enough: abortable(wait(), signal), all };
}

/** Opens once enough of some have said yes. */
class Gate {
  /** Settles when it has opened, or never will. */
  readonly opened: Promise<boolean>;
  readonly #settle: (open: boolean) => void;

  constructor(private pending: number, private needed: number) {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.opened = promise;
    this.#settle = resolve;
    if (needed <= 0) resolve(true);
  }

  told(yes: boolean): void {
    if (yes && --this.needed <= 0) this.#settle(true);
    if (--this.pending === 0) this.#settle(false);
  }
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
