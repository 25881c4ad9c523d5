/**
 * Peers that lied. Pure: the clock is the caller's.
 *
 * @module
 */
import { placeOf } from "../../../common/ip_address.ts";

const MAX_BANS = 1_000;
const BAN_MS = 3_600_000;
/** So many liars at one address (of IPv6: in 64 bits), and the address itself is banned. */
const LIARS_PER_HOST = 8;

/**
 * Remembers liars for an hour: by host and port or peer id, since many honest peers may share one
 * address; by host where liars keep coming from it.
 */
export class Bans {
  readonly #until = new Map<string, number>();
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** @param names what identifies the peer besides its host: its port, its peer id */
  add(host: string, ...names: (string | number)[]): void {
    const place = placeOf(host);
    for (const name of names) this.#set(`${place} ${host} ${name}`);
    const count = [...this.#until.keys()].filter((key) => key.startsWith(`${place} `)).length;
    if (count >= LIARS_PER_HOST * names.length) this.#set(place);
  }

  has(host: string, ...names: (string | number)[]): boolean {
    const place = placeOf(host);
    return this.#isBanned(place) ||
      names.some((name) => this.#isBanned(`${place} ${host} ${name}`));
  }

  #set(key: string): void {
    this.#until.delete(key);
    this.#until.set(key, this.#now() + BAN_MS);
    if (this.#until.size > MAX_BANS) this.#until.delete(this.#until.keys().next().value!);
  }

  #isBanned(key: string): boolean {
    const until = this.#until.get(key);
    if (until === undefined) return false;
    if (until > this.#now()) return true;
    this.#until.delete(key);
    return false;
  }
}
