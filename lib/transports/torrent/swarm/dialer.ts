/**
 * Connecting to the peers of one download, as their addresses become known.
 *
 * @module
 */
import { abortable } from "../../../common/wait.ts";
import { addressKey, Candidates, type PeerAddress } from "./candidates.ts";
import type { Peer, SwarmContext } from "./torrent.ts";
import type { PeerWire } from "./wire.ts";

/** Connections of one download, and those being made. */
const MAX_PEERS = 30;
const MAX_DIALLING = 8;
/** Milliseconds until a peer that another one told of is dialled, at most. */
const MAX_PAUSE_MS = 300;
/**
 * A dial that takes longer, in milliseconds, keeps no other one waiting: all addresses of a family
 * that leads nowhere are silent until they are given up.
 */
const SLOW_MS = 1000;

/** What a {@linkcode Dialer} serves. */
export interface DialerOptions {
  readonly swarm: SwarmContext;
  /** The connected peers, dialled or not. */
  readonly peers: ReadonlySet<Peer>;
  /** Takes a new connection over. */
  readonly adopt: (wire: PeerWire, address: PeerAddress) => Peer;
  /** Called when {@linkcode Dialer.isExhausted} may have changed. */
  readonly changed: () => void;
}

/** Dials candidates in turn, some at a time, and those that failed again later. */
export class Dialer {
  readonly #options: DialerOptions;
  readonly #candidates: Candidates;
  #searching = false;
  #dialling = 0;
  /** Of these, those that are slow. */
  #slow = 0;
  #closed = false;
  /** Ids and addresses of the connected peers. */
  #here: ReadonlySet<string> = new Set();
  /** Dials what was told a moment ago. */
  #soon: ReturnType<typeof setTimeout> | undefined;

  constructor(options: DialerOptions) {
    this.#options = options;
    this.#candidates = new Candidates((id, key) => this.#here.has(id) || this.#here.has(key));
  }

  /** No more addresses will come, and all were tried as often as makes sense. */
  get isExhausted(): boolean {
    this.#noteHere();
    return !this.#searching && this.#dialling === 0 && this.#candidates.nextAt() === Infinity;
  }

  /** Dials all addresses of a search while it goes on. */
  async search(
    addresses: AsyncIterable<PeerAddress> | Iterable<PeerAddress>,
    signal: AbortSignal,
  ): Promise<void> {
    this.#searching = true;
    try {
      if (!(Symbol.asyncIterator in addresses)) {
        for (const address of addresses) this.add(address);
        return;
      }
      const found = addresses[Symbol.asyncIterator]();
      while (!this.#closed) {
        const next = await abortable(found.next(), signal);
        if (next.done) return;
        this.add(next.value);
      }
      found.return?.()?.catch(() => {}); // nobody waits for the search's own clearing up
    } catch (error) {
      if (!this.#closed) {
        this.#options.swarm.log(`looking for peers failed: ${(error as Error).message}`);
      }
    } finally {
      this.#searching = false;
      this.#options.changed();
    }
  }

  /**
   * Dials one more address.
   *
   * @param from the peer that told it, by `placeOf` its address
   */
  add(address: PeerAddress, from?: string): void {
    const { peers } = this.#options;
    if (this.#closed || this.#options.swarm.bans.has(address.host, address.port)) return;
    // Two peers that are told of each other at once need not both dial.
    const pause = from !== undefined && peers.size > 0 ? Math.random() * MAX_PAUSE_MS : 0;
    if (!this.#candidates.add(address, from, performance.now() + pause)) return;
    if (pause === 0) this.dial();
    else this.#soon ??= setTimeout(() => this.#dialTold(), pause);
  }

  #dialTold(): void {
    this.#soon = undefined;
    this.dial();
    const next = this.#candidates.nextAt() - performance.now();
    if (!this.#closed && next > 0 && next <= MAX_PAUSE_MS) {
      this.#soon = setTimeout(() => this.#dialTold(), next);
    }
  }

  #noteHere(): void {
    const here = new Set<string>();
    for (const { id, address } of this.#options.peers) {
      if (id !== "") here.add(id);
      if (address) here.add(addressKey(address));
    }
    this.#here = here;
  }

  /** Dials what can be dialled by now; makes room for it where peers are of no use. */
  dial(): void {
    const { peers, swarm } = this.#options;
    const now = performance.now();
    this.#noteHere();
    if (peers.size >= MAX_PEERS && this.#candidates.nextAt() <= now) {
      const idlest = [...peers].reduce((a, b) => (a.lastBlock <= b.lastBlock ? a : b));
      if (now - idlest.lastBlock > swarm.patienceMs) idlest.wire.close();
    }
    while (
      !this.#closed && this.#dialling - this.#slow < MAX_DIALLING &&
      peers.size + this.#dialling < MAX_PEERS
    ) {
      const address = this.#candidates.take(now);
      if (!address) return;
      this.#connect(address);
    }
  }

  /** Dials no more. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#soon);
  }

  async #connect(address: PeerAddress): Promise<void> {
    this.#dialling++;
    let slow = 0;
    const timer = setTimeout(() => {
      this.#slow += slow = 1;
      this.dial();
    }, SLOW_MS);
    try {
      const wire = await this.#options.swarm.connect(address);
      if (this.#closed) return wire.close();
      const peer = this.#options.adopt(wire, address);
      wire.onClose(() => this.#ended(address, peer));
    } catch {
      this.#candidates.ended(address, performance.now(), "useless");
    } finally {
      clearTimeout(timer);
      this.#dialling--;
      this.#slow -= slow;
      this.dial();
      this.#options.changed();
    }
  }

  #ended(address: PeerAddress, peer: Peer): void {
    const { swarm } = this.#options;
    const never = peer.id === swarm.peerId || swarm.bans.has(address.host, address.port);
    const useful = peer.wire.protocol.downloaded > 0;
    const verdict = never ? "never" : useful ? "useful" : "useless";
    this.#candidates.ended(address, performance.now(), verdict, peer.id);
    this.#options.changed();
  }
}
