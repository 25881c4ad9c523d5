/**
 * How much of what relays send is kept for one look-up.
 *
 * @module
 */

/** Bytes that are kept, whichever relays they come from. */
const IN_ALL = 16 * 1024 * 1024;
/** Bytes of each relay that are kept beyond that: what floods at one doesn't hide what another has. */
const PER_RELAY = 512 * 1024;

/** The bytes that the queries of one look-up may keep: 16 MiB, and a little more of each relay. */
export class Budget {
  #left = IN_ALL;
  readonly #beyond = new Map<string, number>();

  /** Takes `bytes` from what is left; false where it isn't enough. */
  take(relay: string, bytes: number): boolean {
    if (bytes <= this.#left) {
      this.#left -= bytes;
      return true;
    }
    const beyond = (this.#beyond.get(relay) ?? 0) + bytes;
    if (beyond > PER_RELAY) return false;
    this.#beyond.set(relay, beyond);
    return true;
  }
}
