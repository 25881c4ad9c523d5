/**
 * Who fetches one pack from this node, and what each of them is given. Pure.
 *
 * @module
 */

/** Most keys of other readers that one peer gets. */
const MAX_TOLD = 32;

/** What a peer is told unasked. */
export interface News {
  /** Pieces that this node has, too, from now on. */
  readonly have?: readonly number[];
  /** Keys of others that fetch the pack. */
  readonly peers?: readonly string[];
}

/** One of those that fetch. */
interface Member {
  readonly key: string | undefined;
  readonly tell: (news: News) => void;
  readonly sent: Set<number>;
  /** Keys that it was told of. */
  readonly told: Set<string>;
}

/** What a peer may ask while it is in a crowd; disposing of it leaves the crowd. */
export interface Place extends Disposable {
  /**
   * Takes the pieces to send: of those that are `wanted` (in ascending order) and were not sent to this
   * peer, the one that the fewest others have from here, and what follows it and is as rare. None if
   * all were sent.
   */
  choose(wanted: readonly number[], most: number): number[];
  /** How many others have the rarest of them from here. */
  rarity(wanted: readonly number[]): number;
}

/** The peers that fetch one pack from this node at the same time. */
export class Crowd {
  readonly #members = new Set<Member>();
  /** Piece -> how many of them have it from here. */
  readonly #given = new Map<number, number>();

  get size(): number {
    return this.#members.size;
  }

  /**
   * @param tell is told what is new, from now on
   * @param key under which others can connect to the peer, if it wants that: they are told, as it is of them
   */
  join(tell: (news: News) => void, key?: string): Place {
    const member: Member = { key, tell, sent: new Set(), told: new Set() };
    if (key !== undefined) this.#introduce(member, key);
    this.#members.add(member);
    return {
      choose: (wanted, most) => this.#choose(member, wanted, most),
      rarity: (wanted) => Math.min(...wanted.map((piece) => this.#given.get(piece) ?? 0)),
      [Symbol.dispose]: () => this.#leave(member),
    };
  }

  /** Tells all of them. */
  tell(news: News): void {
    for (const member of this.#members) member.tell(news);
  }

  #introduce(newcomer: Member, key: string): void {
    const peers: string[] = [];
    for (const other of [...this.#members].toReversed()) {
      if (other.key === undefined || other.key === key) continue;
      if (isNews(newcomer, other.key)) peers.push(other.key);
      if (isNews(other, key)) other.tell({ peers: [key] });
    }
    if (peers.length > 0) newcomer.tell({ peers });
  }

  #choose({ sent }: Member, wanted: readonly number[], most: number): number[] {
    const given = (piece: number) => this.#given.get(piece) ?? 0;
    let best: number | undefined;
    for (const piece of wanted) {
      if (!sent.has(piece) && (best === undefined || given(piece) < given(best))) best = piece;
    }
    const chosen: number[] = [];
    if (best === undefined) return chosen;
    const rarity = given(best);
    const set = new Set(wanted);
    for (let piece = best; chosen.length < most && set.has(piece) && !sent.has(piece); piece++) {
      if (given(piece) > rarity) break;
      chosen.push(piece);
    }
    for (const piece of chosen) {
      sent.add(piece);
      this.#given.set(piece, given(piece) + 1);
    }
    return chosen;
  }

  #leave(member: Member): void {
    if (!this.#members.delete(member)) return;
    for (const piece of member.sent) {
      const left = this.#given.get(piece)! - 1;
      if (left > 0) this.#given.set(piece, left);
      else this.#given.delete(piece);
    }
  }
}

/** Whether a member is to be told of a key; from then on it was. */
function isNews({ told }: Member, key: string): boolean {
  if (told.size >= MAX_TOLD || told.has(key)) return false;
  told.add(key);
  return true;
}
