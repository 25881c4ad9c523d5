/**
 * What peers say that this node's address is (BEP 10, "yourip"). Pure.
 *
 * @module
 */
import { canonicalIp, ipText, placeOf } from "../../../common/ip_address.ts";

/** So many peers are remembered, the latest that said something. */
const MAX_PEERS = 64;

/** An address, and how many different peers see this node there. */
export interface Seen {
  /** IPv4 or IPv6. */
  readonly address: string;
  readonly peers: number;
}

/**
 * Counts what peers say. All peers at one address (of IPv6: in 64 bits) have one voice for IPv4 and
 * one for IPv6, the last that they used: a single liar is one of many.
 */
export class SeenAs {
  /** Place of a peer and family -> what it says. */
  readonly #said = new Map<string, string>();

  /**
   * A peer says where it sees this node.
   *
   * @param from the peer's IP address
   * @param yourip the 4 or 16 bytes of the address; anything else is ignored
   */
  heard(from: string, yourip: unknown): void {
    if (!(yourip instanceof Uint8Array) || (yourip.length !== 4 && yourip.length !== 16)) return;
    const address = canonicalIp(ipText(yourip))!;
    const voice = `${address.includes(":") ? 6 : 4} ${placeOf(from)}`;
    this.#said.delete(voice);
    this.#said.set(voice, address);
    if (this.#said.size > MAX_PEERS) this.#said.delete(this.#said.keys().next().value!);
  }

  /** What was said, most often said first. */
  get addresses(): Seen[] {
    const counts = new Map<string, number>();
    for (const address of this.#said.values()) counts.set(address, (counts.get(address) ?? 0) + 1);
    return [...counts].map(([address, peers]) => ({ address, peers }))
      .sort((a, b) => b.peers - a.peers);
  }
}
