/**
 * What gtr uses of multicast-dns 7.2. The package has no types of its own.
 *
 * @module
 */

/** Where a packet came from. */
export interface Sender {
  readonly address: string;
  readonly port: number;
}

/** A resource record; `data` is as its type has it. */
export interface Answer {
  readonly name: string;
  readonly type: string;
  /** Seconds. */
  readonly ttl?: number;
  readonly data?: unknown;
}

/** A packet. */
export interface Packet {
  readonly questions?: readonly { readonly name: string; readonly type: string }[];
  readonly answers?: readonly Answer[];
  readonly additionals?: readonly Answer[];
}

/** A socket that hears and sends multicast DNS. */
export interface MulticastDns {
  on(event: "query" | "response", listener: (packet: Packet, from: Sender) => void): void;
  /** "warning": packets that can't be decoded, and what doesn't matter. */
  on(event: "error" | "warning", listener: (error: Error) => void): void;
  on(event: "ready", listener: () => void): void;
  query(name: string, type: string): void;
  /** @param to null: the group */
  respond(packet: Packet, to?: null, done?: () => void): void;
  destroy(done?: () => void): void;
}

/** @param options interface: the address of the interface to use */
export default function multicastDns(
  options: { readonly interface: string; readonly bind: string },
): MulticastDns;
