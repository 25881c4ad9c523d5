/**
 * What is kept of what relays send.
 *
 * @module
 */
import { eventFault, isAuthentic, type NostrEvent } from "../events/event.ts";
import { type Filter, isAsked } from "./filter.ts";

/** Events that are remembered: a subscription may live for months. */
const MAX_KNOWN = 20_000;

/**
 * Lets each event that was asked for through once, whichever relay it comes from. Signatures cost
 * most, so they are looked at last, and only of events that are not known yet. A forgery doesn't make
 * its id known: the true event may come from the next relay.
 */
export class Sieve {
  readonly #known = new Set<string>();

  /** @param most events that are remembered; then it begins anew */
  constructor(
    readonly filters: readonly Filter[],
    readonly dropped: (reason: string) => void,
    readonly most = MAX_KNOWN,
  ) {}

  /** The event, where it is a new one to use; "bad" where the relay should not have sent it. */
  pass(value: unknown): NostrEvent | "known" | "bad" {
    const fault = eventFault(value, Date.now() / 1000);
    if (fault !== undefined) return this.#drop(fault);
    const event = value as NostrEvent;
    if (this.#known.has(event.id)) return "known";
    if (!isAsked(this.filters, event)) return this.#drop("unasked-event");
    if (!isAuthentic(event)) return this.#drop("forged-event");
    if (this.#known.size >= this.most) this.#known.clear();
    this.#known.add(event.id);
    return event;
  }

  #drop(reason: string): "bad" {
    this.dropped(reason);
    return "bad";
  }
}
