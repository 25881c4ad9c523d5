/**
 * Addresses that may be dialled. Pure: the clock is the caller's.
 *
 * @module
 */
import {
  type Address as PeerAddress,
  formatHostPort as addressKey,
  parseAddress,
} from "../address.ts";

export { addressKey, parseAddress, type PeerAddress };

const MAX_CANDIDATES = 500;
/** Milliseconds to wait before each further attempt. */
const RETRY_AFTER = [500, 2_000, 8_000];

interface Candidate extends PeerAddress {
  attempts: number;
  notBefore: number;
  busy: boolean;
  /** The id of the peer that answered there. */
  id: string;
}

/** The addresses known for one torrent. */
export class Candidates {
  readonly #known = new Map<string, Candidate>();
  readonly #isHere: (id: string) => boolean;

  /** @param isHere whether a peer is connected: by another of its addresses, one is enough */
  constructor(isHere: (id: string) => boolean = () => false) {
    this.#isHere = isHere;
  }

  /** Learns an address; false where it is known, not dialable, or one too many. */
  add(address: PeerAddress): boolean {
    const { host, port } = address;
    const key = addressKey(address);
    if (!Number.isInteger(port) || port < 1 || port > 65535 || this.#known.has(key)) return false;
    if (this.#known.size >= MAX_CANDIDATES && !this.#forgetHopeless()) return false;
    this.#known.set(key, { host, port, attempts: 0, notBefore: 0, busy: false, id: "" });
    return true;
  }

  /** Addresses that were tried in vain must not keep better ones out. */
  #forgetHopeless(): boolean {
    for (const [key, { busy, notBefore }] of this.#known) {
      if (!busy && notBefore === Infinity) return this.#known.delete(key);
    }
    return false;
  }

  /** The next address to dial at `now`, which is then busy until {@linkcode ended}. */
  take(now: number): PeerAddress | undefined {
    for (const candidate of this.#known.values()) {
      if (candidate.busy || candidate.notBefore > now || this.#isHere(candidate.id)) continue;
      candidate.busy = true;
      return candidate;
    }
    return undefined;
  }

  /**
   * A connection, or the attempt to make one, ended.
   *
   * @param verdict whether it was of use, of none, or must never be dialled again
   * @param id of the peer that answered, "" if none did
   */
  ended(
    address: PeerAddress,
    now: number,
    verdict: "useful" | "useless" | "never",
    id = "",
  ): void {
    const candidate = this.#known.get(addressKey(address));
    if (!candidate) return;
    candidate.id = id;
    if (verdict === "useful") candidate.attempts = 0;
    const pause = verdict === "never" ? undefined : RETRY_AFTER[candidate.attempts++];
    candidate.notBefore = now + (pause ?? Infinity);
    candidate.busy = false;
  }

  /** When the next address can be dialled: a time, or Infinity where there will be none. */
  nextAt(): number {
    let next = Infinity;
    for (const { busy, notBefore, id } of this.#known.values()) {
      if (!busy && !this.#isHere(id)) next = Math.min(next, notBefore);
    }
    return next;
  }
}
