/**
 * UDP by recvmmsg(2) and sendmmsg(2), up to 64 datagrams in one call: Linux, where FFI is permitted.
 *
 * @module
 */
import { attempt } from "./attempt.ts";
import type { Backend, BackendEvents, BackendOptions } from "./backend.ts";
import { epoll } from "./epoll.ts";
import { UdxError, type UdxErrorCode } from "./error.ts";
import { addressBytes } from "./ip_address.ts";
import { errno, int32, type Libc, libc } from "./libc.ts";
import { BATCH, MessageVector, SLOT } from "./message_vector.ts";
import { AF_INET, AF_INET6, SocketAddresses } from "./socket_address.ts";

const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
const IPPROTO_IP = 0;
const IP_TTL = 2;
const IP_MTU_DISCOVER = 10;
const IP_ADD_MEMBERSHIP = 35;
const IP_DROP_MEMBERSHIP = 36;
const IPPROTO_IPV6 = 41;
const IPV6_UNICAST_HOPS = 16;
const IPV6_MTU_DISCOVER = 23;
const IPV6_V6ONLY = 26;
/** Don't fragment, and don't heed what the kernel believes of the path: MTUs are found here. */
const PMTUDISC_PROBE = 3;
const EAGAIN = 11;
const ERRORS: Readonly<Record<number, UdxErrorCode>> = {
  13: "EACCES",
  98: "EADDRINUSE",
  99: "EADDRNOTAVAIL",
};

const DEFAULT_TTL = 64;
const BUFFER = 1024 * 1024;
/** Batches that are taken, or sent, before others have their turn. */
const MAX_BATCHES = 4;
/** Datagrams that wait for the kernel's buffer; more are lost, as on a full link. */
const MAX_QUEUE = 16_384;
const RETRY_MS = 1;

/** Whether {@linkcode openMmsg} works here. */
export function mmsgAvailable(): boolean {
  return libc() !== null;
}

/** Opens such a socket; only where {@linkcode mmsgAvailable}. */
export function openMmsg(options: BackendOptions, events: BackendEvents): Backend {
  return new MmsgBackend(libc()!, options, events);
}

interface Outgoing {
  readonly bytes: Uint8Array;
  readonly port: number;
  readonly host: string;
}

// Used up within each call: all sockets of the process share them.
let incoming: MessageVector | undefined;
let outgoing: MessageVector | undefined;

class MmsgBackend implements Backend {
  readonly port: number;
  readonly #c: Libc;
  readonly #fd: number;
  readonly #events: BackendEvents;
  readonly #family: 4 | 6;
  readonly #addresses: SocketAddresses;
  #queue: Outgoing[] = [];
  #flushing = false;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #ttl = DEFAULT_TTL;
  #closed = false;

  constructor(c: Libc, options: BackendOptions, events: BackendEvents) {
    this.#c = c;
    this.#events = events;
    this.#family = options.family;
    this.#addresses = new SocketAddresses(options.family);
    const domain = options.family === 6 ? AF_INET6 : AF_INET;
    this.#fd = c.socket(domain, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (this.#fd < 0) throw this.#failure(options);
    this.#set(SOL_SOCKET, SO_REUSEADDR, options.reuseAddress ? 1 : 0);
    if (options.family === 6) {
      this.#set(IPPROTO_IPV6, IPV6_V6ONLY, options.ipv6Only ? 1 : 0);
      this.#set(IPPROTO_IPV6, IPV6_MTU_DISCOVER, PMTUDISC_PROBE);
    }
    this.#set(IPPROTO_IP, IP_MTU_DISCOVER, PMTUDISC_PROBE);
    this.receiveBuffer = BUFFER;
    this.sendBuffer = BUFFER;
    const name = this.#addresses.encode(options.host, options.port);
    if (c.bind(this.#fd, name, name.length) !== 0) {
      const error = this.#failure(options);
      c.close(this.#fd);
      throw error;
    }
    c.getsockname(this.#fd, name, int32(name.length));
    this.port = (name[2]! << 8) | name[3]!;
    incoming ??= new MessageVector();
    outgoing ??= new MessageVector();
    epoll().add(this.#fd, () => this.#receive());
  }

  get receiveBuffer(): number {
    return this.#get(SOL_SOCKET, SO_RCVBUF);
  }

  set receiveBuffer(bytes: number) {
    this.#set(SOL_SOCKET, SO_RCVBUF, bytes);
  }

  get sendBuffer(): number {
    return this.#get(SOL_SOCKET, SO_SNDBUF);
  }

  set sendBuffer(bytes: number) {
    this.#set(SOL_SOCKET, SO_SNDBUF, bytes);
  }

  send(bytes: Uint8Array, port: number, host: string, ttl: number): void {
    if (this.#closed) return;
    if (ttl || bytes.length > SLOT) return this.#sendOne(bytes, port, host, ttl);
    if (this.#queue.length >= MAX_QUEUE) return;
    this.#queue.push({ bytes, port, host });
    if (this.#flushing || this.#retry !== undefined) return;
    this.#flushing = true;
    queueMicrotask(() => this.#flush());
  }

  setTTL(ttl: number): void {
    this.#ttl = ttl;
    this.#applyTTL(ttl);
  }

  membership(group: string, address: string, join: boolean): void {
    const request = new Uint8Array(8); // struct ip_mreq
    request.set(addressBytes(group));
    request.set(addressBytes(address || "0.0.0.0"), 4);
    const option = join ? IP_ADD_MEMBERSHIP : IP_DROP_MEMBERSHIP;
    if (this.#c.setsockopt(this.#fd, IPPROTO_IP, option, request, 8) !== 0) {
      throw new UdxError("EINVAL", `can't ${join ? "join" : "leave"} ${group}`);
    }
  }

  close(closed: () => void): void {
    this.#flush();
    this.#closed = true;
    clearTimeout(this.#retry);
    epoll().remove(this.#fd);
    this.#c.close(this.#fd);
    setImmediate(closed);
  }

  #receive(): void {
    const batch = incoming!;
    for (let i = 0; i < MAX_BATCHES && !this.#closed; i++) {
      batch.expect();
      const n = this.#c.recvmmsg(this.#fd, batch.headers, BATCH, 0, null);
      for (let j = 0; j < n && !this.#closed; j++) {
        const bytes = batch.datagram(j);
        if (!bytes) continue;
        const { port, host } = this.#addresses.decode(batch.name(j));
        attempt(() => this.#events.datagram(bytes, port, host, host.includes(":") ? 6 : 4));
      }
      if (this.#closed) return;
      attempt(() => this.#events.batchEnd());
      this.#flush();
      if (n < BATCH) return;
    }
  }

  #flush(): void {
    this.#flushing = false;
    if (this.#closed || this.#queue.length === 0) return;
    const queue = this.#queue;
    let sent = 0;
    let full = false;
    while (sent < queue.length && sent < MAX_BATCHES * BATCH && !full) {
      const n = Math.min(queue.length - sent, BATCH);
      for (let i = 0; i < n; i++) {
        const { bytes, port, host } = queue[sent + i]!;
        outgoing!.set(i, bytes, this.#addresses.encode(host, port));
      }
      const done = this.#sendBatch(n);
      sent += done;
      full = done < n;
    }
    if (sent === queue.length) {
      queue.length = 0;
      return;
    }
    queue.splice(0, sent);
    this.#retry ??= setTimeout(() => {
      this.#retry = undefined;
      this.#flush();
    }, full ? RETRY_MS : 0);
  }

  /** Returns how many of the first `n` datagrams are done with: sent, or impossible to send. */
  #sendBatch(n: number): number {
    let done = 0;
    while (done < n) {
      const sent = this.#c.sendmmsg(this.#fd, outgoing!.from(done), n - done, 0);
      if (sent > 0) done += sent;
      else if (errno(this.#c) === EAGAIN) break;
      else done++; // an unreachable network, or a probe larger than the interface takes: lost
    }
    return done;
  }

  #sendOne(bytes: Uint8Array, port: number, host: string, ttl: number): void {
    if (ttl) this.#applyTTL(ttl);
    const name = this.#addresses.encode(host, port);
    this.#c.sendto(this.#fd, new Uint8Array(bytes), BigInt(bytes.length), 0, name, name.length);
    if (ttl) this.#applyTTL(this.#ttl);
  }

  #applyTTL(ttl: number): void {
    this.#set(IPPROTO_IP, IP_TTL, ttl);
    if (this.#family === 6) this.#set(IPPROTO_IPV6, IPV6_UNICAST_HOPS, ttl);
  }

  #set(level: number, option: number, value: number): void {
    this.#c.setsockopt(this.#fd, level, option, int32(value), 4);
  }

  #get(level: number, option: number): number {
    const value = int32(0);
    this.#c.getsockopt(this.#fd, level, option, value, int32(4));
    return new DataView(value.buffer).getInt32(0, true);
  }

  #failure({ host, port }: BackendOptions): UdxError {
    const number = errno(this.#c);
    const code = ERRORS[number] ?? "EINVAL";
    return new UdxError(code, `can't bind to ${host} port ${port}: ${code} (${number})`);
  }
}
