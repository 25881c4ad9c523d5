/**
 * Addresses that may be dialled. Pure: the clock is the caller's.
 *
 * @module
 */

/** Where a peer listens. */
export interface PeerAddress {
  readonly host: string;
  readonly port: number;
}

const MAX_CANDIDATES = 500;
/** Milliseconds to wait before each further attempt. */
const RETRY_AFTER = [500, 2_000, 8_000];

interface Candidate extends PeerAddress {
  attempts: number;
  notBefore: number;
  busy: boolean;
}

/** The form under which addresses are compared. */
export function addressKey(address: PeerAddress): string {
  return `${address.host}:${address.port}`;
}

/** Reads "host:port" with an IPv4 host; undefined where it is something else. */
export function parseAddress(text: string): PeerAddress | undefined {
  const match = /^(\d{1,3}(?:\.\d{1,3}){3}):(\d{1,5})$/.exec(text);
  return match ? { host: match[1]!, port: Number(match[2]) } : undefined;
}

/** The addresses known for one torrent. */
export class Candidates {
  readonly #known = new Map<string, Candidate>();

  /** Learns an address; false where it is known, not dialable, or one too many. */
  add(address: PeerAddress): boolean {
    const { host, port } = address;
    const key = addressKey(address);
    if (!Number.isInteger(port) || port < 1 || port > 65535 || this.#known.has(key)) return false;
    if (this.#known.size >= MAX_CANDIDATES && !this.#forgetHopeless()) return false;
    this.#known.set(key, { host, port, attempts: 0, notBefore: 0, busy: false });
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
      if (candidate.busy || candidate.notBefore > now) continue;
      candidate.busy = true;
      return candidate;
    }
    return undefined;
  }

  /**
   * A connection, or the attempt to make one, ended.
   *
   * @param verdict whether it was of use, of none, or must never be dialled again
   */
  ended(address: PeerAddress, now: number, verdict: "useful" | "useless" | "never"): void {
    const candidate = this.#known.get(addressKey(address));
    if (!candidate) return;
    if (verdict === "useful") candidate.attempts = 0;
    const pause = verdict === "never" ? undefined : RETRY_AFTER[candidate.attempts++];
    candidate.notBefore = now + (pause ?? Infinity);
    candidate.busy = false;
  }

  /** When the next address can be dialled: a time, or Infinity where there will be none. */
  nextAt(): number {
    let next = Infinity;
    for (const { busy, notBefore } of this.#known.values()) {
      if (!busy) next = Math.min(next, notBefore);
    }
    return next;
  }
}
