/**
 * UDX with the interface of udx-native, so that it can take that package's place.
 *
 * @module
 */
import { lookup } from "node:dns/promises";
import type { OpenBackend } from "./backend.ts";
import { family } from "./ip_address.ts";
import { Lingering } from "./lingering.ts";
import {
  type NetworkInterface,
  NetworkInterfaces,
  networkInterfaces,
} from "./network_interfaces.ts";
import { openFastest } from "./open_fastest.ts";
import type { Route } from "./route.ts";
import { type SocketOptions, UDXSocket } from "./socket.ts";
import { type StreamOptions, UDXStream } from "./stream.ts";

/** Bytes that all streams together may hold before each has to do with little. */
const MAX_HELD = 64 * 1024 * 1024;

/** Options of {@linkcode UDX}. */
export interface UdxOptions {
  /** How to open UDP sockets; by default the fastest way that this process may use. */
  readonly backend?: OpenBackend;
}

/** Sockets, and the streams that they carry: ids of streams are of one UDX. */
export class UDX {
  bytesTransmitted = 0;
  packetsTransmitted = 0;
  bytesReceived = 0;
  packetsReceived = 0;
  /** Not known. */
  readonly packetsDroppedByKernel = -1;

  /** Streams by their id. */
  readonly streams = new Map<number, UDXStream>();
  readonly lingering = new Lingering();
  /** Bytes that streams hold: what came before its turn, and what isn't read yet. */
  held = 0;
  readonly openBackend: OpenBackend;
  readonly #watchers = new Set<NetworkInterfaces>();

  constructor(options: UdxOptions = {}) {
    this.openBackend = options.backend ?? openFastest;
  }

  static isIPv4(host: string): boolean {
    return family(host) === 4;
  }

  static isIPv6(host: string): boolean {
    return family(host) === 6;
  }

  static isIP(host: string): 0 | 4 | 6 {
    return family(host);
  }

  get isCrowded(): boolean {
    return this.held > MAX_HELD;
  }

  createSocket(options?: SocketOptions): UDXSocket {
    return new UDXSocket(this, options);
  }

  /** @param id an unsigned 32-bit number, by which the other side addresses the stream */
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

  /** The address of a name. */
  async lookup(
    host: string,
    options: { readonly family?: 0 | 4 | 6 } = {},
  ): Promise<{ host: string; family: number }> {
    const { address, family } = await lookup(host, { family: options.family ?? 0 });
    return { host: address, family };
  }

  /** A stream exists: called by its constructor. */
  addStream(stream: UDXStream): void {
    this.lingering.delete(stream.id);
    this.streams.set(stream.id, stream);
  }

  /** A stream is over; `last`: what to answer if the other side sends its end again. */
  removeStream(
    stream: UDXStream,
    last?: { readonly packet: Uint8Array; readonly route: Route },
  ): void {
    if (this.streams.get(stream.id) !== stream) return;
    this.streams.delete(stream.id);
    if (last) this.lingering.add(stream.id, last.packet, last.route, performance.now());
  }
}
