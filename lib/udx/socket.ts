/**
 * A UDP socket that carries streams and messages, with the interface of udx-native's.
 *
 * @module
 */
import { EventEmitter } from "node:events";
import { Buffer } from "node:buffer";
import type { Backend, BackendEvents } from "./backend.ts";
import { UdxError } from "./error.ts";
import { family } from "./ip_address.ts";
import type { Multiplexer } from "./multiplexer.ts";
import { isPacket, PacketType, streamOf } from "./packet.ts";

/** Where a socket is bound. */
export interface Address {
  /** One of this machine's; "0.0.0.0" or "::": all of them. */
  readonly host: string;
  /** Of `host`. */
  readonly family: 4 | 6;
  /** Never 0. */
  readonly port: number;
}

/** Options of {@linkcode UDXSocket}. */
export interface SocketOptions {
  /** "::" takes IPv6 only. */
  readonly ipv6Only?: boolean;
  /** Other sockets may have the same address and port (SO_REUSEADDR). */
  readonly reuseAddress?: boolean;
}

/** A stream, as the sockets that carry it see it. */
export interface CarriedStream {
  /** By which the other side addresses it. */
  readonly id: number;
  /** A packet for this stream came. The bytes are valid during the call only. */
  packet(socket: UDXSocket, bytes: Uint8Array, port: number, host: string, family: 4 | 6): void;
  /** All packets of a batch were given. */
  batchEnd(): void;
}

/**
 * A UDP socket. Emits "listening", "message" (bytes, `{ host, family, port }`) for each datagram that
 * belongs to no stream, "busy" and "idle" as streams are connected over it, and "close".
 *
 * ```ts
 * import { once } from "node:events";
 * import { UDX } from "@gtr/udx";
 *
 * const udx = new UDX();
 * const [here, there] = [udx.createSocket(), udx.createSocket()];
 * here.bind(0, "127.0.0.1");
 * there.bind(0, "127.0.0.1");
 * const came = once(there, "message");
 * here.trySend(new TextEncoder().encode("hello"), there.address()!.port, "127.0.0.1");
 * const [bytes, from] = await came;
 * console.log(String(bytes), "from port", from.port);
 * await Promise.all([here.close(), there.close()]);
 * ```
 */
export class UDXSocket extends EventEmitter implements BackendEvents {
  /** The UDX that made it. */
  readonly udx: Multiplexer<CarriedStream>;
  /** Streams that are connected over it. */
  readonly streams: Set<CarriedStream> = new Set();
  /** Anything of the user's. */
  userData: unknown = null;
  /** Bytes of all datagrams sent. */
  bytesTransmitted = 0;
  /** Datagrams sent. */
  packetsTransmitted = 0;
  /** Bytes of all datagrams received. */
  bytesReceived = 0;
  /** Datagrams received. */
  packetsReceived = 0;
  /** Not known. */
  readonly packetsDroppedByKernel: number = -1;

  readonly #options: SocketOptions;
  /** Streams that got packets in this batch. */
  readonly #touched = new Set<CarriedStream>();
  #backend: Backend | undefined;
  #address: Address | null = null;
  #closing: Promise<void> | null = null;
  #closed = false;

  /** As {@linkcode UDX.createSocket} makes it. */
  constructor(udx: Multiplexer<CarriedStream>, options: SocketOptions = {}) {
    super();
    this.udx = udx;
    this.#options = options;
  }

  /** Whether it has an address and port. */
  get bound(): boolean {
    return this.#address !== null;
  }

  /** Whether {@linkcode close} was called. */
  get closing(): boolean {
    return this.#closing !== null;
  }

  /** Whether no stream is connected over it. */
  get idle(): boolean {
    return this.streams.size === 0;
  }

  /** Whether a stream is connected over it. */
  get busy(): boolean {
    return this.streams.size > 0;
  }

  /** Null before it is bound. */
  address(): Address | null {
    return this.#address;
  }

  /** What it is doing, for a log. */
  toJSON(): Record<string, unknown> {
    return {
      bound: this.bound,
      closing: this.closing,
      streams: this.streams.size,
      address: this.address(),
      ipv6Only: this.#options.ipv6Only === true,
      reuseAddress: this.#options.reuseAddress === true,
      idle: this.idle,
      busy: this.busy,
    };
  }

  /**
   * Binds it, at once. Without a host: to all addresses of both families, or else of IPv4.
   *
   * @throws {UdxError} "EADDRINUSE" and the like
   */
  bind(port = 0, host?: string): void {
    if (this.bound) throw new Error("Already bound");
    if (this.closing) throw new Error("Socket is closed");
    if (host) this.#open(port ?? 0, host, checkedFamily(host));
    else {
      try {
        this.#open(port ?? 0, "::", 6);
      } catch {
        this.#open(port ?? 0, "0.0.0.0", 4); // no IPv6 here
      }
    }
    this.emit("listening");
  }

  /** Closes it once its streams are closed; resolves then. */
  close(): Promise<void> {
    if (this.#closing) return this.#closing;
    this.#closing = new Promise((resolve) => this.once("close", resolve));
    this.#closeMaybe();
    return this.#closing;
  }

  /** Sends a message. Resolves with whether it left. */
  async send(bytes: Uint8Array, port: number, host?: string, ttl?: number): Promise<boolean> {
    if (this.closing) return false;
    this.trySend(bytes, port, host, ttl);
    return await true;
  }

  /** Sends a message; `ttl`: hops after which it is lost, for this one only. */
  trySend(bytes: Uint8Array, port: number, host?: string, ttl?: number): void {
    if (this.closing) return;
    const to = host || "127.0.0.1";
    checkedFamily(to);
    if (!this.bound) this.bind(0);
    this.transmit(bytes, port, to, ttl);
  }

  /** Hops after which what is sent is lost, from now on. */
  setTTL(ttl: number): void {
    this.#active().setTTL(ttl);
  }

  /** Bytes that the kernel keeps of what came. */
  getRecvBufferSize(): number {
    return this.#active().receiveBuffer;
  }

  /** Asks the kernel for a buffer of so many bytes. */
  setRecvBufferSize(size: number): void {
    this.#active().receiveBuffer = size;
  }

  /** Bytes that the kernel keeps of what is to be sent. */
  getSendBufferSize(): number {
    return this.#active().sendBuffer;
  }

  /** Asks the kernel for a buffer of so many bytes. */
  setSendBufferSize(size: number): void {
    this.#active().sendBuffer = size;
  }

  /** Joins a multicast group, on the interface with that address ("": any). */
  addMembership(group: string, address = ""): void {
    this.#active().membership(group, address, true);
  }

  /** Leaves it. */
  dropMembership(group: string, address = ""): void {
    this.#active().membership(group, address, false);
  }

  /** Sends a packet of a stream, or a message. */
  transmit(bytes: Uint8Array, port: number, host: string, ttl = 0): void {
    this.bytesTransmitted += bytes.length;
    this.packetsTransmitted++;
    this.udx.bytesTransmitted += bytes.length;
    this.udx.packetsTransmitted++;
    this.#backend?.send(bytes, port, host, ttl);
  }

  /** A datagram came: called by the back-end. */
  datagram(bytes: Uint8Array, port: number, host: string, family: 4 | 6): void {
    if (this.#closed) return;
    this.bytesReceived += bytes.length;
    this.packetsReceived++;
    this.udx.bytesReceived += bytes.length;
    this.udx.packetsReceived++;
    if (isPacket(bytes)) {
      const stream = this.udx.streams.get(streamOf(bytes));
      if (stream) {
        stream.packet(this, bytes, port, host, family);
        this.#touched.add(stream);
        return;
      }
      if (this.#answerLate(bytes)) return;
    }
    this.emit("message", Buffer.from(bytes), { host, family, port });
  }

  /** All that came has been handed over: acknowledgements and data go out together. */
  batchEnd(): void {
    if (this.#touched.size === 0) return;
    const touched = [...this.#touched];
    this.#touched.clear();
    for (const stream of touched) stream.batchEnd();
  }

  /** A stream is connected over it now. */
  addStream(stream: CarriedStream): void {
    if (this.streams.has(stream)) return;
    this.streams.add(stream);
    if (this.streams.size === 1) this.emit("busy");
  }

  /** A stream isn't any more. */
  removeStream(stream: CarriedStream): void {
    if (!this.streams.delete(stream)) return;
    if (!this.#closeMaybe() && this.idle) this.emit("idle");
  }

  #open(port: number, host: string, family: 4 | 6): void {
    const { ipv6Only = false, reuseAddress = false } = this.#options;
    const options = { port, host, family, ipv6Only, reuseAddress };
    this.#backend = this.udx.openBackend(options, this);
    this.#address = { host, family, port: this.#backend.port };
  }

  /** The end of a stream that is gone already, again: our acknowledgement was lost. */
  #answerLate(bytes: Uint8Array): boolean {
    if (!(bytes[2]! & (PacketType.DATA | PacketType.END))) return false;
    const word = this.udx.lingering.get(streamOf(bytes), performance.now());
    if (!word) return false;
    this.transmit(word.packet, word.route.port, word.route.host);
    return true;
  }

  #closeMaybe(): boolean {
    if (this.#closed || this.#closing === null) return this.#closed;
    if (!this.idle) return false;
    this.#closed = true;
    if (this.#backend) this.#backend.close(() => this.emit("close"));
    else queueMicrotask(() => this.emit("close"));
    return true;
  }

  #active(): Backend {
    if (!this.#backend) throw new Error("Socket not active");
    return this.#backend;
  }
}

function checkedFamily(host: string): 4 | 6 {
  const found = family(host);
  if (found === 0) throw new UdxError("EINVAL", `${host} is not a valid IP address`);
  return found;
}
