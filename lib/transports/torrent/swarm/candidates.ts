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
/** Of these, told by peers at one address: a single one must not leave no room for others. */
const MAX_OF_SOURCE = 100;
/** Milliseconds to wait before each further attempt. */
const RETRY_AFTER_MS = [500, 2_000, 8_000];

interface Candidate extends PeerAddress {
  attempts: number;
  notBefore: number;
  busy: boolean;
  /** The id of the peer that answered there. */
  id: string;
  /** Who told it. */
  readonly source: Source;
}

/** Who tells addresses. */
interface Source {
  addresses: number;
  /** How many attempts at them were in vain since the last that was not. */
  failures: number;
}

/** The addresses known for one torrent. */
export class Candidates {
  readonly #known = new Map<string, Candidate>();
  /** Place of a peer, or "" for what was looked up. */
  readonly #sources = new Map<string, Source>();
  readonly #isHere: (id: string, key: string) => boolean;

  /**
   * @param isHere whether a peer is connected, by its id or the key of an address: by another of its
   * addresses, or dialled by itself, one connection is enough
   */
  constructor(isHere: (id: string, key: string) => boolean = () => false) {
    this.#isHere = isHere;
  }

  /**
   * Learns an address; false where it is known, not dialable, or one too many.
   *
   * @param from the peer that told it, by `placeOf` its address
   * @param notBefore when it may be dialled
   */
  add(address: PeerAddress, from = "", notBefore = 0): boolean {
    const { host, port } = address;
    const key = addressKey(address);
    if (!Number.isInteger(port) || port < 1 || port > 65535 || this.#known.has(key)) return false;
    if (this.#known.size >= MAX_CANDIDATES && !this.#forgetHopeless()) return false;
    const source = this.#sources.get(from) ?? { addresses: 0, failures: 0 };
    if (from !== "" && source.addresses >= MAX_OF_SOURCE) return false;
    source.addresses++;
    this.#sources.set(from, source);
    this.#known.set(key, { host, port, attempts: 0, notBefore, busy: false, id: "", source });
    return true;
  }

  /** Addresses that were tried in vain must not keep better ones out. */
  #forgetHopeless(): boolean {
    for (const [key, { busy, notBefore }] of this.#known) {
      if (!busy && notBefore === Infinity) return this.#known.delete(key);
    }
    return false;
  }

  /**
   * The next address to dial at `now`, of whoever told fewest in vain, which is then busy until
   * {@linkcode ended}.
   */
  take(now: number): PeerAddress | undefined {
    let best: Candidate | undefined;
    for (const [key, candidate] of this.#known) {
      if (candidate.busy || candidate.notBefore > now || this.#isHere(candidate.id, key)) continue;
      if (!best || candidate.source.failures < best.source.failures) best = candidate;
    }
    if (best) best.busy = true;
    return best;
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
    candidate.source.failures = verdict === "useful" ? 0 : candidate.source.failures + 1;
    const pause = verdict === "never" ? undefined : RETRY_AFTER_MS[candidate.attempts++];
    candidate.notBefore = now + (pause ?? Infinity);
    candidate.busy = false;
  }

  /** When the next address can be dialled: a time, or Infinity where there will be none. */
  nextAt(): number {
    let next = Infinity;
    for (const [key, { busy, notBefore, id }] of this.#known) {
      if (!busy && !this.#isHere(id, key)) next = Math.min(next, notBefore);
    }
    return next;
  }
}
