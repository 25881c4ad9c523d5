/**
 * Which pieces of a pack to ask which peer for. Pure: no clock, no I/O.
 *
 * What only one peer has is asked for as a set, from which that peer chooses what it has given to the
 * fewest others: a lone seed gives each reader something else, and one reader gets the pack in order.
 * Of other pieces the rarest come first, from a random place on if there are others that fetch too.
 * At the end what takes long is asked of a second peer.
 *
 * @module
 */
import { WINDOW } from "./piece_set.ts";

/** Milliseconds after which a piece may be asked of a second peer, if there is nothing else to ask. */
const LATE_MS = 1_000;
const MAX_ASKERS = 2;

/** What to ask a peer for: up to `most` of these pieces, in a row. */
export interface Ask {
  /** In ascending order. */
  readonly pieces: readonly number[];
  readonly most: number;
}

interface Request extends Ask {
  /** These pieces and no others: nobody else is asked for them. */
  readonly isExact: boolean;
}

interface PeerState {
  readonly has: Set<number>;
  /** Not answered, in the order of the answers. */
  readonly requests: Request[];
}

interface Flying<P> {
  readonly askers: P[];
  readonly since: number;
}

/** Schedules the requests of one fetch to peers of type `P`, compared by identity. */
export class Scheduler<P> {
  readonly #count: number;
  readonly #have: Set<number>;
  readonly #now: () => number;
  readonly #random: () => number;
  /** How many of the peers have each piece. */
  readonly #available: Uint16Array;
  readonly #peers = new Map<P, PeerState>();
  /** Pieces that are on their way. */
  readonly #flying = new Map<number, Flying<P>>();

  /**
   * @param count pieces of the pack
   * @param have those that are here already
   * @param now milliseconds
   */
  constructor(
    count: number,
    have: Iterable<number>,
    now: () => number = () => performance.now(),
    random: () => number = Math.random,
  ) {
    this.#count = count;
    this.#have = new Set(have);
    this.#now = now;
    this.#random = random;
    this.#available = new Uint16Array(count);
  }

  join(peer: P): void {
    this.#peers.set(peer, { has: new Set(), requests: [] });
  }

  /** Forgets a peer; what it was asked for is free again. */
  leave(peer: P): void {
    const state = this.#peers.get(peer);
    if (!state) return;
    this.#peers.delete(peer);
    for (const piece of state.has) this.#available[piece]!--;
    for (const [piece, { askers }] of this.#flying) {
      if (!askers.includes(peer)) continue;
      askers.splice(askers.indexOf(peer), 1);
      if (askers.length === 0) this.#flying.delete(piece);
    }
  }

  /**
   * A peer says that it has pieces; numbers that are none are ignored.
   *
   * @returns whether that is new
   */
  peerHas(peer: P, pieces: Iterable<number>): boolean {
    const state = this.#peers.get(peer);
    let isNew = false;
    for (const piece of pieces) {
      if (!state || piece >= this.#count || state.has.has(piece)) continue;
      state.has.add(piece);
      this.#available[piece]!++;
      isNew = true;
    }
    return isNew;
  }

  /** Whether the peer has a piece that is missing here. */
  isInteresting(peer: P): boolean {
    return this.#peers.get(peer)?.has.isSubsetOf(this.#have) === false;
  }

  /** Requests that the peer has not answered. */
  outstanding(peer: P): number {
    return this.#peers.get(peer)?.requests.length ?? 0;
  }

  /** What to ask a peer for now, at most so many pieces; undefined if there is nothing to ask. */
  next(peer: P, most: number): Ask | undefined {
    const state = this.#peers.get(peer);
    if (!state) return undefined;
    const request = this.#unique(state, most) ?? this.#shared(state, most) ??
      (state.requests.length === 0 ? this.#late(peer, state, most) : undefined);
    if (!request) return undefined;
    state.requests.push(request);
    if (request.isExact) this.#fly(peer, request.pieces);
    return request;
  }

  /**
   * A peer begins to answer its first request, with these pieces.
   *
   * @returns whether it may: they are of those that it was asked for
   */
  answered(peer: P, pieces: readonly number[]): boolean {
    const request = this.#peers.get(peer)?.requests.shift();
    if (!request || pieces.length > request.most) return false;
    if (pieces.some((piece) => !request.pieces.includes(piece))) return false;
    if (!request.isExact) this.#fly(peer, pieces);
    else this.#free(peer, request.pieces.filter((piece) => !pieces.includes(piece)));
    return true;
  }

  /** A piece is here, and right. */
  arrived(piece: number): void {
    this.#have.add(piece);
    this.#flying.delete(piece);
  }

  /** What nobody else has: the peer chooses. */
  #unique(state: PeerState, most: number): Request | undefined {
    let pieces = this.#wanted(state).filter((piece) => this.#available[piece] === 1);
    pieces = pieces.filter((piece) => piece < pieces[0]! + WINDOW);
    const coming = state.requests.reduce((sum, { most, isExact }) => isExact ? sum : sum + most, 0);
    return pieces.length > coming ? { pieces, most, isExact: false } : undefined;
  }

  /** The rarest of what others have too, but for what they may choose to send. */
  #shared(state: PeerState, most: number): Request | undefined {
    const all = this.#wanted(state).filter((piece) => this.#available[piece]! > 1);
    const chosen = new Set<number>();
    for (const { requests } of this.#peers.values()) {
      for (const { isExact, pieces } of requests) {
        if (!isExact) pieces.forEach((p) => chosen.add(p));
      }
    }
    const apart = all.filter((piece) => !chosen.has(piece));
    const free = apart.length > 0 ? apart : all;
    if (free.length === 0) return undefined;
    const least = Math.min(...free.map((piece) => this.#available[piece]!));
    const rarest = free.filter((piece) => this.#available[piece] === least);
    const start = this.#isCrowded ? Math.floor(this.#random() * rarest.length) : 0;
    return { pieces: row(rarest.slice(start), most), most, isExact: true };
  }

  /** What others take long to send: the piece that was asked for first. */
  #late(peer: P, { has }: PeerState, most: number): Request | undefined {
    const before = this.#now() - LATE_MS;
    const late = [...this.#flying].filter(([piece, { askers, since }]) =>
      since < before && has.has(piece) && askers.length < MAX_ASKERS && !askers.includes(peer)
    ).sort(([, one], [, other]) => one.since - other.since).map(([piece]) => piece);
    return late.length > 0 ? { pieces: row(late, most), most, isExact: true } : undefined;
  }

  /** What the peer has, is missing here, and is not on its way. */
  #wanted({ has }: PeerState): number[] {
    const wanted: number[] = [];
    for (let piece = 0; piece < this.#count; piece++) {
      if (has.has(piece) && !this.#have.has(piece) && !this.#flying.has(piece)) wanted.push(piece);
    }
    return wanted;
  }

  /** Others fetch too: it pays to have what they have not. */
  get #isCrowded(): boolean {
    for (const { has } of this.#peers.values()) if (has.size < this.#count) return true;
    return false;
  }

  #fly(peer: P, pieces: readonly number[]): void {
    for (const piece of pieces) {
      const flying = this.#flying.get(piece);
      if (flying) flying.askers.push(peer);
      else if (!this.#have.has(piece)) {
        this.#flying.set(piece, { askers: [peer], since: this.#now() });
      }
    }
  }

  #free(peer: P, pieces: readonly number[]): void {
    for (const piece of pieces) {
      const askers = this.#flying.get(piece)?.askers ?? [];
      if (askers.includes(peer)) askers.splice(askers.indexOf(peer), 1);
      if (askers.length === 0) this.#flying.delete(piece);
    }
  }
}

/** The first pieces that follow one another, at most so many. */
function row(pieces: readonly number[], most: number): number[] {
  const first = pieces[0]!;
  const end = pieces.findIndex((piece, i) => i >= most || piece !== first + i);
  return pieces.slice(0, end < 0 ? pieces.length : end);
}
