/**
 * Who is connected to a server, within limits.
 *
 * @module
 */
import type { NoiseStream } from "../../types/hyperdht.d.ts";

/** One connection. */
export interface Guest {
  /** Its IP address. */
  readonly host: string;
  /** It has asked for something, so it is where it seems to be. */
  active: boolean;
}

/** How many there may be. */
export interface GuestLimits {
  readonly connections: number;
  /** Of these, from one IP address. */
  readonly perHost: number;
}

/**
 * Connections until they close. Where there are too many, the oldest that hasn't asked for anything
 * makes room: one packet with a forged sender makes such a connection.
 */
export class Guests {
  readonly #limits: GuestLimits;
  readonly #dropped: (what: "limit" | "silent") => void;
  /** The oldest first. */
  readonly #guests = new Map<NoiseStream, Guest>();

  /** @param dropped counts connections that are refused, and those that make room */
  constructor(limits: GuestLimits, dropped: (what: "limit" | "silent") => void) {
    this.#limits = limits;
    this.#dropped = dropped;
  }

  get size(): number {
    return this.#guests.size;
  }

  /** All that are connected. */
  [Symbol.iterator](): IterableIterator<[NoiseStream, Guest]> {
    return this.#guests.entries();
  }

  /** Whether there is room for another one: asked before the handshake. */
  admits(): boolean {
    return this.#hasRoom([...this.#guests], this.#limits.connections);
  }

  /** Takes a connection in; undefined where there is no room, and it is ended. */
  welcome(stream: NoiseStream): Guest | undefined {
    const guest: Guest = { host: stream.rawStream?.remoteHost ?? "", active: false };
    const ofHost = [...this.#guests].filter(([, { host }]) => host === guest.host);
    const { connections, perHost } = this.#limits;
    if (!this.#makeRoom(ofHost, perHost) || !this.#makeRoom([...this.#guests], connections)) {
      stream.destroy();
      return undefined;
    }
    this.#guests.set(stream, guest);
    stream.on("close", () => this.#guests.delete(stream));
    return guest;
  }

  #hasRoom(guests: readonly [NoiseStream, Guest][], most: number): boolean {
    if (guests.filter(([, { active }]) => active).length < most) return true;
    this.#dropped("limit");
    return false;
  }

  #makeRoom(guests: readonly [NoiseStream, Guest][], most: number): boolean {
    if (!this.#hasRoom(guests, most)) return false;
    if (guests.length < most) return true;
    const [stream] = guests.find(([, { active }]) => !active)!;
    this.#guests.delete(stream);
    this.#dropped("silent");
    stream.destroy();
    return true;
  }
}
