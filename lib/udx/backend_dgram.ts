/**
 * UDP by node:dgram: runs everywhere.
 *
 * @module
 */
import { createSocket, type Socket, type SocketOptions } from "node:dgram";
import { attempt } from "./attempt.ts";
import type { Backend, BackendEvents, BackendOptions } from "./backend.ts";
import { UdxError, type UdxErrorCode } from "./error.ts";
import { mapped, unmapped } from "./ip_address.ts";

const DEFAULT_TTL = 64;
/** What the receive buffer is asked to be on systems that do so, bytes. */
const RECEIVE_BUFFER = 1024 * 1024;
/**
 * Deno takes the size asked for as that of the buffer it receives one datagram into, doubled, and
 * leaves the kernel's alone: small is fast.
 */
const DENO_RECEIVE_BUFFER = 1024;
/** What the kernel's is then: Linux' default. */
const KERNEL_DEFAULT = 212_992;
const DENO = "Deno" in globalThis;

/** Opens a socket of node:dgram. */
export function openDgram(options: BackendOptions, events: BackendEvents): Backend {
  return new DgramBackend(options, events);
}

class DgramBackend implements Backend {
  readonly port: number;
  readonly #socket: Socket;
  readonly #dual: boolean;
  #ttl = DEFAULT_TTL;
  #batch = false;
  #closed = false;
  /** Datagrams handed over and not sent yet: closing would lose them. */
  #unsent = 0;
  #onClosed: (() => void) | undefined;

  constructor(options: BackendOptions, events: BackendEvents) {
    this.#dual = options.family === 6 && !options.ipv6Only;
    const socket = this.#socket = createSocket({
      type: options.family === 6 ? "udp6" : "udp4",
      ipv6Only: options.ipv6Only,
      reuseAddr: options.reuseAddress,
      // Names are never looked up; answering at once makes bind() and send() work at once.
      lookup: ((host: string, _: unknown, done: (e: null, h: string, f: number) => void) =>
        done(null, host, options.family)) as unknown as NonNullable<SocketOptions["lookup"]>,
    });
    let failure: NodeJS.ErrnoException | undefined;
    socket.on("error", (error: NodeJS.ErrnoException) => failure ??= error);
    try {
      socket.bind({ port: options.port, address: options.host });
    } catch (error) {
      failure ??= error as NodeJS.ErrnoException;
    }
    if (failure) throw bindError(failure, options);
    this.port = socket.address().port;
    this.#tune(() => socket.setRecvBufferSize(DENO ? DENO_RECEIVE_BUFFER : RECEIVE_BUFFER));
    const batchEnd = () => {
      this.#batch = false;
      if (!this.#closed) attempt(() => events.batchEnd());
    };
    socket.on("message", (bytes, from) => {
      if (this.#closed) return;
      const host = unmapped(from.address);
      attempt(() => events.datagram(bytes, from.port, host, host.includes(":") ? 6 : 4));
      if (!this.#batch) {
        this.#batch = true;
        setImmediate(batchEnd);
      }
    });
  }

  get receiveBuffer(): number {
    return DENO ? KERNEL_DEFAULT : this.#tune(() => this.#socket.getRecvBufferSize()) ?? 0;
  }

  set receiveBuffer(bytes: number) {
    if (!DENO) this.#socket.setRecvBufferSize(bytes);
  }

  get sendBuffer(): number {
    return this.#tune(() => this.#socket.getSendBufferSize()) ?? 0;
  }

  set sendBuffer(bytes: number) {
    this.#tune(() => this.#socket.setSendBufferSize(bytes));
  }

  send(bytes: Uint8Array, port: number, host: string, ttl: number): void {
    if (this.#closed) return;
    this.#unsent++;
    try {
      if (ttl) this.#socket.setTTL(ttl);
      this.#socket.send(bytes, port, this.#dual ? mapped(host) : host, this.#onSent);
    } catch {
      this.#unsent--; // as if the network had lost it: it is unreachable, or a buffer is full
    } finally {
      if (ttl) this.#socket.setTTL(this.#ttl);
    }
  }

  setTTL(ttl: number): void {
    this.#ttl = ttl;
    this.#socket.setTTL(ttl);
  }

  membership(group: string, address: string, join: boolean): void {
    if (join) this.#socket.addMembership(group, address || undefined);
    else this.#socket.dropMembership(group, address || undefined);
  }

  close(closed: () => void): void {
    this.#closed = true;
    this.#onClosed = closed;
    if (this.#unsent === 0) this.#socket.close(closed);
  }

  readonly #onSent = () => {
    if (--this.#unsent === 0 && this.#closed) this.#socket.close(this.#onClosed);
  };

  /** Does what only makes things faster, and isn't supported everywhere. */
  #tune<T>(action: () => T): T | undefined {
    try {
      return action();
    } catch {
      return undefined;
    }
  }
}

function bindError(error: NodeJS.ErrnoException, { host, port }: BackendOptions): UdxError {
  const code = /EADDRINUSE|EADDRNOTAVAIL|EACCES/.exec(`${error.code} ${error.message}`)?.[0] ??
    (error.name === "AddrInUse" ? "EADDRINUSE" : "EINVAL");
  return new UdxError(code as UdxErrorCode, `can't bind to ${host} port ${port}: ${error.message}`);
}
