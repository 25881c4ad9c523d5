/**
 * A number of places, of which no single address gets more than its share.
 *
 * @module
 */
import { abortable } from "../../common/wait.ts";

interface Waiting {
  readonly peer: string;
  readonly enter: (place: Disposable) => void;
}

/** Places are taken and given back; who finds none leaves, or waits in turn. */
export class Places {
  readonly #all: number;
  readonly #perPeer: number;
  readonly #taken = new Map<string, number>();
  #waiting: readonly Waiting[] = [];
  #count = 0;

  constructor(all: number, perPeer: number) {
    this.#all = all;
    this.#perPeer = perPeer;
  }

  /** @returns what gives the place back, or undefined where there is none for this peer */
  take(peer: string): Disposable | undefined {
    const own = this.#taken.get(peer) ?? 0;
    if (this.#count >= this.#all || own >= this.#perPeer) return undefined;
    this.#taken.set(peer, own + 1);
    this.#count++;
    let given = false;
    return {
      [Symbol.dispose]: () => {
        if (given) return;
        given = true;
        this.#give(peer);
      },
    };
  }

  /**
   * Takes a place as soon as there is one. Who came first gets it first, but for peers that have
   * their share already.
   */
  async wait(peer: string, signal: AbortSignal): Promise<Disposable> {
    const place = this.take(peer);
    if (place) return place;
    const { promise, resolve } = Promise.withResolvers<Disposable>();
    const waiting = { peer, enter: resolve };
    this.#waiting = [...this.#waiting, waiting];
    try {
      return await abortable(promise, signal);
    } catch (error) {
      // It may have been given in the same moment.
      void promise.then((late) => late[Symbol.dispose]());
      throw error;
    } finally {
      this.#waiting = this.#waiting.filter((other) => other !== waiting);
    }
  }

  #give(peer: string): void {
    this.#count--;
    const left = this.#taken.get(peer)! - 1;
    if (left > 0) this.#taken.set(peer, left);
    else this.#taken.delete(peer);
    for (const waiting of this.#waiting) {
      const place = this.take(waiting.peer);
      if (!place) continue;
      this.#waiting = this.#waiting.filter((other) => other !== waiting);
      return waiting.enter(place);
    }
  }
}
