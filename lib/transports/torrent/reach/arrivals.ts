/**
 * Who has connected to this node: the strongest proof that others can. Pure.
 *
 * @module
 */

/** So many addresses are remembered, the latest. */
const MAX_HOSTS = 64;

/** A connection that came. */
export interface Arrival {
  readonly host: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** Addresses that connections came from. */
export class Arrivals {
  readonly #times = new Map<string, number>();

  /** @param host an IP address */
  arrived(host: string, now = Date.now()): void {
    this.#times.delete(host);
    this.#times.set(host, now);
    if (this.#times.size > MAX_HOSTS) this.#times.delete(this.#times.keys().next().value!);
  }

  /** The latest connection of those that count. */
  latest(counts: (host: string) => boolean): Arrival | undefined {
    const found = [...this.#times].reverse().find(([host]) => counts(host));
    return found && { host: found[0], at: found[1] };
  }

  /** Forgets all: what they proved holds no longer. */
  clear(): void {
    this.#times.clear();
  }
}
