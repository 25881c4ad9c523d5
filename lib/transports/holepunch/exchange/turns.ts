/**
 * Whose request for pieces is answered next.
 *
 * @module
 */
import { abortable } from "../../../common/wait.ts";

/** Answers that are sent at the same time: the fewer, the sooner a piece is whole and passed on. */
const SLOTS = 4;
/** Milliseconds after which an answer does not hold up others any more: its peer reads slowly. */
const SLOW_MS = 1_000;
/** What was exchanged counts for half after so many milliseconds. */
const HALF_LIFE_MS = 30_000;
/** Hosts whose balance is kept. */
const MAX_HOSTS = 1_024;

interface Waiting {
  readonly host: string;
  /** The higher, the later its turn, in bytes. */
  readonly cost: () => number;
  readonly begin: () => void;
}

/**
 * Gives turns to those that wait: the host first that gave this node the most and got the least from
 * it, with what its request costs.
 */
export class Turns {
  readonly #waiting: Waiting[] = [];
  readonly #now: () => number;
  /** Host -> bytes that it got, less those that it gave; who was last in use is last. */
  readonly #balances = new Map<string, number>();
  #decayed: number;
  #running = 0;

  /** @param now milliseconds */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#decayed = now();
  }

  /** A host gave this node so many bytes. */
  received(host: string, bytes: number): void {
    this.#add(host, -bytes);
  }

  /** A host got so many bytes from this node. */
  sent(host: string, bytes: number): void {
    this.#add(host, bytes);
  }

  /**
   * Waits for a turn; disposing of it ends the turn.
   *
   * @param cost bytes by which the request is less urgent than others of this host; asked again
   *   whenever there is a turn to be given
   */
  async take(host: string, cost: () => number, signal: AbortSignal): Promise<Disposable> {
    const ready = Promise.withResolvers<void>();
    const mine: Waiting = { host, cost, begin: ready.resolve };
    this.#waiting.push(mine);
    this.#next();
    try {
      await abortable(ready.promise, signal);
    } catch (error) {
      const at = this.#waiting.indexOf(mine);
      if (at >= 0) this.#waiting.splice(at, 1);
      else this.#end(); // it was given meanwhile
      throw error;
    }
    let ended = false;
    const end = () => {
      if (!ended) this.#end();
      ended = true;
    };
    const slow = setTimeout(end, SLOW_MS);
    return {
      [Symbol.dispose]: () => {
        clearTimeout(slow);
        end();
      },
    };
  }

  #end(): void {
    this.#running--;
    this.#next();
  }

  #next(): void {
    while (this.#running < SLOTS && this.#waiting.length > 0) {
      const rank = ({ host, cost }: Waiting) => (this.#balances.get(host) ?? 0) + cost();
      const first = this.#waiting.reduce((a, b) => rank(b) < rank(a) ? b : a);
      this.#waiting.splice(this.#waiting.indexOf(first), 1);
      this.#running++;
      first.begin();
    }
  }

  #add(host: string, bytes: number): void {
    while (this.#now() - this.#decayed > HALF_LIFE_MS) {
      this.#decayed += HALF_LIFE_MS;
      for (const [key, balance] of this.#balances) {
        if (Math.abs(balance) < 2) this.#balances.delete(key);
        else this.#balances.set(key, balance / 2);
      }
    }
    const balance = this.#balances.get(host) ?? 0;
    this.#balances.delete(host);
    this.#balances.set(host, balance + bytes);
    if (this.#balances.size > MAX_HOSTS) {
      const [oldest] = this.#balances.keys();
      this.#balances.delete(oldest!);
    }
  }
}
