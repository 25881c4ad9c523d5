/**
 * Which connections are made through a blind relay: as Hyperswarm does, those of a node whose router
 * gives each connection another port, and those to peers to which no hole could be punched.
 *
 * @module
 */
import { Buffer } from "node:buffer";

/** Relays that are tried for one connection. */
const TRIED = 2;
/** Peers that are known to need one. */
const REMEMBERED = 256;

/** The relays that a user has named, and who needs them. */
export class RelayChoice {
  readonly #relays: readonly Buffer[];
  /** Peers that need one, and the one that helped last. */
  readonly #needing = new Map<string, Buffer>();

  /** @param relays their keys, 64 hex digits */
  constructor(relays: readonly string[]) {
    this.#relays = relays.map((key) => Buffer.from(key, "hex"));
  }

  /** How many there are. */
  get size(): number {
    return this.#relays.length;
  }

  /** One for a peer that connects; null where it isn't needed. */
  offered(randomized: boolean): Buffer | null {
    return randomized ? this.#shuffled()[0] ?? null : null;
  }

  /**
   * What to try for a peer, in this order; null: to connect without a relay. The one that was used
   * last comes last: it may be why there is no connection any more.
   */
  attempts(peer: string, randomized: boolean): readonly (Buffer | null)[] {
    const last = this.#needing.get(peer);
    const all = this.#shuffled();
    const others = all.filter((relay) => relay !== last);
    const some = (last ? [...others, last] : all).slice(0, TRIED);
    return some.length > 0 && (randomized || this.#needing.has(peer)) ? some : [null, ...some];
  }

  /** Only this relay helped with the peer: the next time one is tried at once. */
  remember(peer: string, relay: Buffer): void {
    this.#needing.delete(peer);
    this.#needing.set(peer, relay);
    for (const oldest of this.#needing.keys()) {
      if (this.#needing.size <= REMEMBERED) break;
      this.#needing.delete(oldest);
    }
  }

  /** In an order of chance, so that the load is shared. */
  #shuffled(): Buffer[] {
    return this.#relays.map((relay) => [Math.random(), relay] as const)
      .sort(([a], [b]) => a - b)
      .map(([, relay]) => relay);
  }
}
