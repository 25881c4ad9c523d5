/**
 * A UDP socket as UDX needs it.
 *
 * @module
 */

/** Which socket to open. */
export interface BackendOptions {
  /** 0: any free one. */
  readonly port: number;
  /** An address of this machine; "::" is for IPv4 too, unless `ipv6Only`. */
  readonly host: string;
  /** Of `host`. */
  readonly family: 4 | 6;
  /** Whether "::" is for IPv6 only. */
  readonly ipv6Only: boolean;
  /** Whether other sockets may have the same address and port (SO_REUSEADDR). */
  readonly reuseAddress: boolean;
}

/** What a socket tells. */
export interface BackendEvents {
  /** A datagram came; the bytes are valid during the call only. IPv4 senders are told as such. */
  datagram(bytes: Uint8Array, port: number, host: string, family: 4 | 6): void;
  /** All datagrams that were there have been told, for now. */
  batchEnd(): void;
}

/** An open UDP socket. */
export interface Backend {
  /** The port that it is bound to. */
  readonly port: number;
  /**
   * Sends a datagram, or loses it as networks do.
   *
   * @param bytes not changed until they were sent
   * @param ttl 0: the socket's own
   */
  send(bytes: Uint8Array, port: number, host: string, ttl: number): void;
  /** Hops after which what is sent is lost, from now on. */
  setTTL(ttl: number): void;
  /** Size of the kernel's buffer for what came, bytes; Linux doubles what it is asked for. */
  receiveBuffer: number;
  /** Size of the kernel's buffer for what is to be sent, bytes; Linux doubles it too. */
  sendBuffer: number;
  /** Joins (or leaves) a group, on the interface of an address ("": any). */
  membership(group: string, address: string, join: boolean): void;
  /** Closes it; `closed` is called later. */
  close(closed: () => void): void;
}

/** Opens a socket at once; throws a UdxError where the system refuses. */
export type OpenBackend = (options: BackendOptions, events: BackendEvents) => Backend;
