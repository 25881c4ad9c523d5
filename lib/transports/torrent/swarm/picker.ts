/**
 * Which blocks to ask which peer for. Pure: no clock, no I/O.
 *
 * Rarest piece first; a started piece is finished before a new one is begun; at the end the last
 * blocks are asked of two peers (endgame). A piece that failed its hash check is fetched again from
 * one peer alone, so that the second failure names the liar.
 *
 * @module
 */
import { Bitfield } from "./bitfield.ts";

/** Bytes of one request; the last block of a file may be shorter. */
export const BLOCK = 16 * 1024;
/** How many peers are asked for the same block in the endgame. */
const ENDGAME_ASKERS = 2;

/** One block of the file. */
export interface Block {
  readonly piece: number;
  /** Bytes from the start of the piece. */
  readonly offset: number;
  readonly length: number;
}

/** The sizes that a picker needs, in bytes. */
export interface Layout {
  readonly length: number;
  readonly pieceLength: number;
}

/** What became of a block that arrived. */
export interface Arrival<P> {
  /** Whether it was asked for and is new. */
  readonly wanted: boolean;
  /** Peers that were asked for it too. */
  readonly cancel: readonly P[];
  /** Set when it was the last of its piece: who sent each block. */
  readonly complete?: readonly P[];
}

const FREE = 0, ASKED = 1, HERE = 2;

interface ActivePiece<P> {
  readonly piece: number;
  readonly state: Uint8Array;
  readonly askers: P[][];
  readonly senders: P[];
  /** The only peer that may be asked, where the piece failed before. */
  sole: P | undefined;
  free: number;
  missing: number;
}

interface PeerState<P> {
  readonly pieces: Bitfield;
  /** Pieces of these that are still missing here. */
  wanted: number;
  /** How many of its blocks are on the way. */
  outstanding: number;
  current?: ActivePiece<P>;
}

/** Picks blocks for peers of type `P`, compared by identity. */
export class Picker<P> {
  readonly have: Bitfield;
  readonly #layout: Layout;
  readonly #pieces: number;
  readonly #maxActive: number;
  readonly #random: () => number;
  readonly #availability: Uint16Array;
  readonly #peers = new Map<P, PeerState<P>>();
  readonly #active = new Map<number, ActivePiece<P>>();
  readonly #suspect = new Set<number>();

  /**
   * @param have the pieces that are there already; the picker adds to it
   * @param maxActive how many pieces may be under way at once
   */
  constructor(
    layout: Layout,
    have: Bitfield,
    maxActive: number,
    random: () => number = Math.random,
  ) {
    this.#layout = layout;
    this.#pieces = Math.ceil(layout.length / layout.pieceLength);
    this.have = have;
    this.#maxActive = Math.max(1, maxActive);
    this.#random = random;
    this.#availability = new Uint16Array(this.#pieces);
  }

  get done(): boolean {
    return this.have.isFull;
  }

  /** Bytes received of pieces that are not whole yet. */
  get partialBytes(): number {
    let bytes = 0;
    for (const { state, missing } of this.#active.values()) {
      bytes += (state.length - missing) * BLOCK;
    }
    return bytes;
  }

  addPeer(peer: P): void {
    const pieces = new Bitfield(this.#pieces);
    this.#peers.set(peer, { pieces, wanted: 0, outstanding: 0 });
  }

  /** Forgets a peer; what it was asked for is free again. */
  removePeer(peer: P): void {
    const state = this.#peers.get(peer);
    if (!state) return;
    this.releaseAll(peer);
    for (let i = 0; i < this.#pieces; i++) if (state.pieces.has(i)) this.#availability[i]!--;
    this.#peers.delete(peer);
  }

  /** A peer has one more piece. */
  peerHas(peer: P, piece: number): void {
    const state = this.#peers.get(peer);
    if (!state?.pieces.add(piece)) return;
    this.#availability[piece]!++;
    if (!this.have.has(piece)) state.wanted++;
  }

  /** Whether the peer has a piece that is missing here. */
  isInteresting(peer: P): boolean {
    return (this.#peers.get(peer)?.wanted ?? 0) > 0;
  }

  /** Whether the peer has every piece. */
  hasAll(peer: P): boolean {
    return this.#peers.get(peer)?.pieces.isFull ?? false;
  }

  /** Whether blocks of a piece are on the way, or it is being checked. */
  isActive(piece: number): boolean {
    return this.#active.has(piece);
  }

  /** How many blocks this peer was asked for and has not answered. */
  outstanding(peer: P): number {
    return this.#peers.get(peer)?.outstanding ?? 0;
  }

  /** Takes up to `count` blocks to ask this peer for. */
  next(peer: P, count: number): Block[] {
    const blocks: Block[] = [];
    const state = this.#peers.get(peer);
    if (!state || state.wanted === 0) return blocks;
    while (blocks.length < count) {
      const active = this.#choose(peer, state);
      if (!active) break;
      state.current = active;
      this.#takeFree(peer, state, active, count, blocks);
    }
    if (blocks.length < count) this.#takeTwice(peer, state, count, blocks);
    return blocks;
  }

  /** A block came from a peer. */
  received(peer: P, block: Block): Arrival<P> {
    const active = this.#active.get(block.piece);
    const index = block.offset / BLOCK;
    const askers = active?.askers[index];
    const at = askers?.indexOf(peer) ?? -1;
    if (!active || !askers || at < 0) return { wanted: false, cancel: [] };
    for (const asker of askers) this.#peers.get(asker)!.outstanding--;
    askers.splice(at, 1);
    const cancel = askers.splice(0);
    active.state[index] = HERE;
    active.senders[index] = peer;
    active.missing--;
    if (active.missing > 0) return { wanted: true, cancel };
    return { wanted: true, cancel, complete: active.senders };
  }

  /** A peer won't send a block after all. */
  released(peer: P, block: Block): void {
    const active = this.#active.get(block.piece);
    if (active) this.#release(peer, active, block.offset / BLOCK);
  }

  /** A peer won't send anything that it was asked for: it choked us, or left. */
  releaseAll(peer: P): void {
    for (const active of [...this.#active.values()]) {
      for (let i = 0; i < active.state.length; i++) this.#release(peer, active, i);
      // The rest of a suspect piece must not come from another peer: start over.
      if (active.sole === peer && active.missing > 0) this.#active.delete(active.piece);
    }
    const state = this.#peers.get(peer);
    if (state) state.current = undefined;
  }

  /** A complete piece passed its check and is on disk. */
  verified(piece: number): void {
    this.#active.delete(piece);
    this.#suspect.delete(piece);
    if (!this.have.add(piece)) return;
    for (const state of this.#peers.values()) if (state.pieces.has(piece)) state.wanted--;
  }

  /** A complete piece failed its check, or could not be written. */
  failed(piece: number): void {
    this.#active.delete(piece);
    this.#suspect.add(piece);
  }

  #choose(peer: P, state: PeerState<P>): ActivePiece<P> | undefined {
    if (state.current && this.#canTake(peer, state, state.current)) return state.current;
    let shared: ActivePiece<P> | undefined;
    for (const active of this.#active.values()) {
      if (!this.#canTake(peer, state, active)) continue;
      if (active.askers.every((askers) => askers.length === 0)) return active; // left behind
      shared ??= active;
    }
    return this.#begin(peer, state) ?? shared;
  }

  #canTake(peer: P, state: PeerState<P>, active: ActivePiece<P>): boolean {
    return active.free > 0 && state.pieces.has(active.piece) &&
      (active.sole === undefined || active.sole === peer) &&
      this.#active.get(active.piece) === active;
  }

  /**
   * Begins the rarest piece that the peer has. Ties are broken by chance, so that peers have
   * different pieces to give each other; where nobody could want one of us, the file is read from
   * its start, which whoever waits for it can work on meanwhile.
   */
  #begin(peer: P, state: PeerState<P>): ActivePiece<P> | undefined {
    const isFull = this.#active.size >= this.#maxActive;
    const idle = isFull ? this.#idlePiece() : undefined;
    if (isFull && idle === undefined) return undefined;
    const start = this.#isAlone() ? 0 : Math.floor(this.#random() * this.#pieces);
    let best = -1;
    for (let n = 0; n < this.#pieces; n++) {
      const i = (start + n) % this.#pieces;
      if (this.have.has(i) || !state.pieces.has(i) || this.#active.has(i)) continue;
      if (best < 0 || this.#availability[i]! < this.#availability[best]!) best = i;
      if (this.#availability[best] === 1) break; // nothing is rarer
    }
    if (best < 0) return undefined;
    if (idle !== undefined) this.#active.delete(idle);
    const blocks = Math.ceil(this.#size(best) / BLOCK);
    const active: ActivePiece<P> = {
      piece: best,
      state: new Uint8Array(blocks),
      askers: Array.from({ length: blocks }, () => []),
      senders: [],
      sole: this.#suspect.has(best) ? peer : undefined,
      free: blocks,
      missing: blocks,
    };
    this.#active.set(best, active);
    return active;
  }

  /** All peers have everything, or there is only one. */
  #isAlone(): boolean {
    if (this.#peers.size === 1) return true;
    for (const { pieces } of this.#peers.values()) if (!pieces.isFull) return false;
    return true;
  }

  /** A started piece that waits for peers which are gone: better begun again than in the way. */
  #idlePiece(): number | undefined {
    for (const { piece, missing, askers } of this.#active.values()) {
      if (missing > 0 && askers.every((peers) => peers.length === 0)) return piece;
    }
    return undefined;
  }

  #takeFree(
    peer: P,
    state: PeerState<P>,
    active: ActivePiece<P>,
    count: number,
    blocks: Block[],
  ): void {
    for (let i = active.state.indexOf(FREE); i >= 0; i = active.state.indexOf(FREE, i)) {
      if (blocks.length >= count) return;
      active.state[i] = ASKED;
      active.free--;
      this.#ask(peer, state, active, i, blocks);
    }
  }

  /** Endgame: every missing piece is under way and every block asked for. */
  #takeTwice(peer: P, state: PeerState<P>, count: number, blocks: Block[]): void {
    if (this.have.count + this.#active.size < this.#pieces) return;
    for (const active of this.#active.values()) if (active.free > 0) return;
    for (const active of this.#active.values()) {
      if (active.sole !== undefined || !state.pieces.has(active.piece)) continue;
      for (let i = 0; i < active.state.length && blocks.length < count; i++) {
        const askers = active.askers[i]!;
        if (active.state[i] !== ASKED || askers.length >= ENDGAME_ASKERS) continue;
        if (!askers.includes(peer)) this.#ask(peer, state, active, i, blocks);
      }
    }
  }

  #ask(
    peer: P,
    state: PeerState<P>,
    active: ActivePiece<P>,
    index: number,
    blocks: Block[],
  ): void {
    active.askers[index]!.push(peer);
    state.outstanding++;
    const offset = index * BLOCK;
    const length = Math.min(BLOCK, this.#size(active.piece) - offset);
    blocks.push({ piece: active.piece, offset, length });
  }

  #release(peer: P, active: ActivePiece<P>, index: number): void {
    const askers = active.askers[index];
    const at = askers?.indexOf(peer) ?? -1;
    if (!askers || at < 0) return;
    askers.splice(at, 1);
    this.#peers.get(peer)!.outstanding--;
    if (askers.length > 0 || active.state[index] !== ASKED) return;
    active.state[index] = FREE;
    active.free++;
  }

  #size(piece: number): number {
    const { length, pieceLength } = this.#layout;
    return Math.min(pieceLength, length - piece * pieceLength);
  }
}
