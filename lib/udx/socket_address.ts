/**
 * Addresses in the form of Linux' C library: struct sockaddr_in and sockaddr_in6.
 *
 * @module
 */
import { addressBytes, addressText, mapped } from "./ip_address.ts";

/** Address families. */
export const AF_INET = 2;
export const AF_INET6 = 10;

const KEPT = 4096;

/** Makes addresses for a socket of one family, and remembers them. */
export class SocketAddresses {
  readonly #six: boolean;
  readonly #known = new Map<string, Uint8Array<ArrayBuffer>>();
  #last: { readonly raw: Uint8Array; readonly port: number; readonly host: string } | undefined;

  constructor(family: 4 | 6) {
    this.#six = family === 6;
  }

  /** An address and port to send to. The result is used again: it must be read at once. */
  encode(host: string, port: number): Uint8Array<ArrayBuffer> {
    let name = this.#known.get(host);
    if (!name) {
      name = this.#make(host);
      if (this.#known.size >= KEPT) this.#known.clear(); // a stranger may make us send anywhere
      this.#known.set(host, name);
    }
    name[2] = port >> 8;
    name[3] = port;
    return name;
  }

  /** The port and host of an address. IPv4 within IPv6 is told as IPv4. */
  decode(name: Uint8Array): { readonly port: number; readonly host: string } {
    const length = this.#six ? 24 : 8;
    const last = this.#last;
    if (last && same(last.raw, name, length)) return last; // packets come in rows
    const host = addressText(name.subarray(this.#six ? 8 : 4, length));
    const decoded = { raw: name.slice(0, length), port: (name[2]! << 8) | name[3]!, host };
    this.#last = decoded;
    return decoded;
  }

  #make(host: string): Uint8Array<ArrayBuffer> {
    const name = new Uint8Array(this.#six ? 28 : 16);
    name[0] = this.#six ? AF_INET6 : AF_INET;
    name.set(addressBytes(this.#six ? mapped(host) : host), this.#six ? 8 : 4);
    return name;
  }
}

function same(a: Uint8Array, b: Uint8Array, length: number): boolean {
  for (let i = 2; i < length; i++) if (a[i] !== b[i]) return false;
  return true;
}
