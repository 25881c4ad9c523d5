/**
 * Which address others see this node at: what many say, as none of them has to be right. Pure.
 *
 * @module
 */
import { canonicalIp, ipText } from "../../../common/ip_address.ts";
import { familyOf } from "../dht/contacts.ts";

/** So many voices are kept, the latest that said something. */
const MAX_VOICES = 64;
/** What was said earlier says nothing of a connection that has a new address since. */
const AGE_MS = 60 * 60_000;

/** How voices are counted. */
export interface VoteOptions {
  /** Who counts as one voice: addresses in the same group have one together. */
  readonly groupOf: (address: string) => string;
  /** As many voices have to agree. */
  readonly needed: number;
}

interface Voice {
  readonly address: string;
  readonly at: number;
}

/** Counts what others say. Each group has one voice, of its own family: what it said last. */
export class AddressVotes {
  readonly #options: VoteOptions;
  readonly #voices = new Map<string, Voice>();

  constructor(options: VoteOptions) {
    this.#options = options;
  }

  /**
   * Somebody says where it sees this node.
   *
   * @param from its IP address
   * @param bytes the 4 or 16 bytes of the address that it tells; anything else, or one of another
   * family than its own, is ignored
   */
  heard(from: string, bytes: unknown, now = Date.now()): void {
    if (!(bytes instanceof Uint8Array) || (bytes.length !== 4 && bytes.length !== 16)) return;
    const address = canonicalIp(ipText(bytes))!;
    if (familyOf(address) !== familyOf(from)) return; // it can't see this node there
    const voice = this.#options.groupOf(from);
    this.#voices.delete(voice);
    this.#voices.set(voice, { address, at: now });
    if (this.#voices.size > MAX_VOICES) this.#voices.delete(this.#voices.keys().next().value!);
  }

  /** The address that more than half of all voices name, and enough; undefined if there is none. */
  address(family: 4 | 6, now = Date.now()): string | undefined {
    const said = [...this.#voices.values()]
      .filter(({ address, at }) => familyOf(address) === family && now - at < AGE_MS)
      .map(({ address }) => address);
    const counts = Map.groupBy(said, (address) => address);
    for (const [address, { length }] of counts) {
      if (length >= this.#options.needed && 2 * length > said.length) return address;
    }
    return undefined;
  }
}
