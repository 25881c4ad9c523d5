/**
 * UDX with the interface of udx-native, so that it can take that package's place.
 *
 * @module
 */
import { lookup } from "node:dns/promises";
import type { OpenBackend } from "./backend.ts";
import { family } from "./ip_address.ts";
import { Multiplexer } from "./multiplexer.ts";
import {
  type NetworkInterface,
  NetworkInterfaces,
  networkInterfaces,
} from "./network_interfaces.ts";
import { openFastest } from "./open_fastest.ts";
import { type SocketOptions, UDXSocket } from "./socket.ts";
import { type StreamOptions, UDXStream } from "./stream.ts";

/** Options of {@linkcode UDX}. */
export interface UdxOptions {
  /** How to open UDP sockets; by default the fastest way that this process may use. */
  readonly backend?: OpenBackend;
}

/** Sockets, and the streams that they carry: ids of streams are of one UDX. */
export class UDX extends Multiplexer<UDXStream> {
  readonly #watchers = new Set<NetworkInterfaces>();

  /** Opens nothing yet: sockets do, when they are bound. */
  constructor(options: UdxOptions = {}) {
    super(options.backend ?? openFastest);
  }

  /** Whether it is an IPv4 address. */
  static isIPv4(host: string): boolean {
    return family(host) === 4;
  }

  /** Whether it is an IPv6 address. */
  static isIPv6(host: string): boolean {
    return family(host) === 6;
  }

  /** The family of an address; 0 if it is none. */
  static isIP(host: string): 0 | 4 | 6 {
    return family(host);
  }

  /** A socket that is not bound yet. */
  createSocket(options?: SocketOptions): UDXSocket {
    return new UDXSocket(this, options);
  }

  /**
   * A stream that is not connected yet.
   *
   * @param id an unsigned 32-bit number, by which the other side addresses the stream
   */
  createStream(id: number, options?: StreamOptions): UDXStream {
    return new UDXStream(this, id, options);
  }

  /** The addresses of this machine. */
  networkInterfaces(): NetworkInterface[] {
    const [watcher] = this.#watchers;
    return watcher ? watcher.interfaces : networkInterfaces();
  }

  /** Calls `onchange` with all addresses whenever they change, until it is destroyed. */
  watchNetworkInterfaces(onchange?: (interfaces: NetworkInterface[]) => void): NetworkInterfaces {
    const watcher = new NetworkInterfaces();
    this.#watchers.add(watcher);
    watcher.on("close", () => this.#watchers.delete(watcher));
    if (onchange) watcher.on("change", onchange);
    return watcher.watch();
  }

  /**
   * The address of a name, by the system's resolver.
   *
   * @param options `family`: of which the address has to be; 0: of any
   */
  async lookup(
    host: string,
    options: { readonly family?: 0 | 4 | 6 } = {},
  ): Promise<{ host: string; family: number }> {
    const { address, family } = await lookup(host, { family: options.family ?? 0 });
    return { host: address, family };
  }
}
