/**
 * What a seed that alone has everything says to whom that it has (after BEP 16). Pure: the clock is
 * the caller's.
 *
 * Readers that see all pieces ask for the same ones now and then, and each time the seed's line
 * carries a piece that another reader could give. So of several readers each is told of a few pieces
 * that nobody has, and of more as it gets them, until the readers have everything between them. Then,
 * or if a reader is alone, there is nothing to hold back.
 *
 * @module
 */
import { Bitfield } from "./bitfield.ts";

/** Pieces that a reader is told of ahead: at first, and at least. */
const START_AHEAD = 4;
const MIN_AHEAD = 2;
/** A piece that comes sooner than this left its reader idle; later, waited behind others. */
const QUICK_MS = 500;
const SLOW_MS = 2_000;
/** A piece that its reader has not got by then is no longer counted on. */
const EXPIRY_MS = 10_000;

interface Reader {
  readonly has: Bitfield;
  /** Pieces that it was told of; undefined if it was told of all. */
  told: Bitfield | undefined;
  /** Pieces that it may be fetching -> since when. */
  readonly expected: Map<number, number>;
  ahead: number;
}

/** A reader, and the pieces that it is to be told of. */
export type Telling<P> = readonly [reader: P, pieces: readonly number[]];

/** Tells readers of type `P`, compared by identity. */
export class SuperSeed<P> {
  readonly #pieces: number;
  readonly #random: () => number;
  readonly #readers = new Map<P, Reader>();
  /** How many readers have each piece. */
  readonly #copies: Uint32Array;
  /** Pieces that no reader has. */
  #unspread: number;

  constructor(pieces: number, random: () => number = Math.random) {
    this.#pieces = pieces;
    this.#random = random;
    this.#copies = new Uint32Array(pieces);
    this.#unspread = pieces;
  }

  /**
   * A reader came.
   *
   * @returns whether it is to be told of everything at once; else {@linkcode due} says of what
   */
  join(reader: P): boolean {
    const isAlone = ![...this.#readers.values()].some(({ has }) => !has.isFull);
    const tellsAll = isAlone || this.#unspread === 0;
    this.#readers.set(reader, {
      has: new Bitfield(this.#pieces),
      told: tellsAll ? undefined : new Bitfield(this.#pieces),
      expected: new Map(),
      ahead: START_AHEAD,
    });
    return tellsAll;
  }

  /** A reader left. */
  leave(reader: P): void {
    const state = this.#readers.get(reader);
    if (!state) return;
    this.#readers.delete(reader);
    for (let i = 0; i < this.#pieces; i++) {
      if (state.has.has(i) && --this.#copies[i]! === 0) this.#unspread++;
    }
  }

  /** A reader asks for a piece. */
  asked(reader: P, piece: number, now: number): void {
    const state = this.#readers.get(reader);
    if (state && !state.has.has(piece) && !state.expected.has(piece)) {
      state.expected.set(piece, now);
    }
  }

  /** A reader has a piece. */
  has(reader: P, piece: number, now: number): void {
    const state = this.#readers.get(reader);
    if (!state?.has.add(piece)) return;
    if (this.#copies[piece]!++ === 0) this.#unspread--;
    const since = state.expected.get(piece);
    if (since === undefined) return;
    state.expected.delete(piece);
    if (now - since < QUICK_MS) state.ahead++;
    else if (now - since > SLOW_MS) state.ahead = Math.max(MIN_AHEAD, state.ahead - 1);
  }

  /** What readers are to be told now; they count as told. */
  due(now: number): Telling<P>[] {
    const isLast = [...this.#readers.values()].filter(({ has }) => !has.isFull).length <= 1;
    const tellings: Telling<P>[] = [];
    for (const [reader, state] of this.#readers) {
      if (!state.told) continue;
      const pieces = isLast || this.#unspread === 0
        ? this.#all(state.told)
        : this.#some(state, state.told, now);
      if (isLast || this.#unspread === 0) state.told = undefined;
      if (pieces.length > 0) tellings.push([reader, pieces]);
    }
    return tellings;
  }

  /** Tells a reader of everything. */
  all(reader: P): readonly number[] {
    const state = this.#readers.get(reader);
    if (!state?.told) return [];
    const pieces = this.#all(state.told);
    state.told = undefined;
    return pieces;
  }

  #all(told: Bitfield): number[] {
    const pieces: number[] = [];
    for (let i = 0; i < this.#pieces; i++) if (!told.has(i)) pieces.push(i);
    return pieces;
  }

  #some(state: Reader, told: Bitfield, now: number): number[] {
    const pieces: number[] = [];
    while (state.expected.size < state.ahead) {
      const piece = this.#rarest(state, told, now);
      if (piece === undefined) break;
      told.add(piece);
      state.expected.set(piece, now);
      pieces.push(piece);
    }
    return pieces;
  }

  /** Of those that the reader lacks and was not told of; ties are broken by chance. */
  #rarest(state: Reader, told: Bitfield, now: number): number | undefined {
    const expected = new Uint32Array(this.#pieces);
    for (const reader of this.#readers.values()) {
      for (const [piece, since] of reader.expected) {
        if (now - since < EXPIRY_MS) expected[piece]!++;
      }
    }
    const start = Math.floor(this.#random() * this.#pieces);
    let best: number | undefined;
    const count = (i: number) => this.#copies[i]! + expected[i]!;
    for (let n = 0; n < this.#pieces; n++) {
      const i = (start + n) % this.#pieces;
      if (state.has.has(i) || told.has(i)) continue;
      if (best === undefined || count(i) < count(best)) best = i;
      if (count(best) === 0) break; // nothing is rarer
    }
    return best;
  }
}
