/**
 * One peer connection: bittorrent-protocol on a TCP socket, made safe against hostile input.
 *
 * The package trusts its peer in three places that are closed here: a message may claim to be 2 GiB
 * long and is buffered until it is; bencoded payloads reach a decoder that can be made to loop; and
 * what a peer asks for is queued without limit when it never reads.
 *
 * @module
 */
import type { Socket } from "node:net";
// @ts-types="../../../types/bittorrent_protocol.d.ts"
import Wire from "bittorrent-protocol";
import { peerIp } from "../../../common/ip_address.ts";
import { bencodedLength } from "../bencode.ts";

/** No message that this engine asks for or answers is longer, in bytes. */
const MAX_MESSAGE = 256 * 1024;
/** Unsent bytes above which a peer is not reading what it asked for. */
const MAX_BACKLOG = 4 * 1024 * 1024;

/** bittorrent-protocol with its open ends closed; `fault` is called once and ends the connection. */
class BoundedWire extends Wire {
  readonly #fault: (reason: string) => void;

  constructor(outgoing: boolean, fault: (reason: string) => void) {
    // 1: incoming connections may be MSE-encrypted or plain.
    super(outgoing ? "tcpOutgoing" : "tcpIncoming", outgoing ? 0 : 1);
    this.#fault = fault;
  }

  override _write(bytes: Uint8Array, done: (error: Error | null) => void): void {
    try {
      super._write(bytes, () => {});
    } catch {
      // An exception of a listener or of the package's parser: the peer sent something absurd.
      this.#fault("bad-message");
    }
    done(null);
  }

  override _onMessageLength(header: Uint8Array): void {
    const length = new DataView(header.buffer, header.byteOffset, 4).getUint32(0);
    if (length > MAX_MESSAGE) return this.#fault("oversized-message");
    super._onMessageLength(header);
  }

  override _onExtended(extension: number, payload: Uint8Array): void {
    if (bencodedLength(payload) < 0) return this.#fault("bad-extension-message");
    super._onExtended(extension, payload);
  }
}

/** A connection to one peer. Listen on {@linkcode PeerWire.protocol}, end with `close`. */
export class PeerWire {
  readonly protocol: Wire;
  readonly outgoing: boolean;
  /** The peer's IP address. */
  readonly host: string;
  /** The IP address of this machine that the peer is connected to. */
  readonly ownHost: string;
  /** The peer's TCP port: where it listens if we dialled, else any. */
  readonly port: number;
  readonly #socket: Socket;
  readonly #dropped: (reason: string) => void;
  readonly #whenClosed: (() => void)[] = [];
  #whenDrained: (() => void)[] = [];
  #closed = false;

  /** @param dropped counts a connection ended because of what the peer sent, under its reason */
  constructor(socket: Socket, outgoing: boolean, dropped: (reason: string) => void) {
    this.#socket = socket;
    this.#dropped = dropped;
    this.outgoing = outgoing;
    this.host = peerIp(socket);
    this.ownHost = socket.localAddress ?? "";
    this.port = socket.remotePort ?? 0;
    this.protocol = new BoundedWire(outgoing, (reason) => this.close(reason));
    socket.setNoDelay(true);
    socket.on("data", (bytes: Uint8Array) => this.protocol.write(bytes));
    socket.on("drain", () => this.#wakeDrained());
    socket.on("error", () => this.close());
    socket.on("close", () => this.close());
    socket.on("end", () => this.close());
    this.protocol.on("data", (bytes) => this.#send(bytes));
    this.protocol.on("error", () => this.close());
    // The package ends its stream when it gives up on a peer, before and after the handshake.
    this.protocol.on("end", () => this.close("protocol-error"));
    this.protocol.setKeepAlive(true);
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Bytes that the peer has not taken yet. */
  get backlog(): number {
    return this.#socket.writableLength;
  }

  /** Calls `listener` once the connection has ended, at once if it has. */
  onClose(listener: () => void): void {
    if (this.#closed) listener();
    else this.#whenClosed.push(listener);
  }

  /** Ends the connection after `ms` milliseconds without a byte from the peer; 0 for never. */
  setIdleTimeout(ms: number): void {
    this.#socket.setTimeout(ms, () => this.close());
  }

  /** Resolves when there is room for more to be sent, or the connection has ended. */
  drained(): Promise<void> {
    // The socket tells only of what it has asked to wait for.
    if (this.#closed || !this.#socket.writableNeedDrain) return Promise.resolve();
    return new Promise((resolve) => this.#whenDrained.push(resolve));
  }

  /** Ends the connection; with a reason it is counted as dropped. */
  close(reason?: string): void {
    if (this.#closed) return;
    this.#closed = true;
    if (reason !== undefined) this.#dropped(reason);
    this.#socket.destroy();
    try {
      this.protocol.destroy();
    } finally {
      this.#wakeDrained();
      for (const listener of this.#whenClosed.splice(0)) listener();
    }
  }

  #send(bytes: Uint8Array): void {
    if (this.#closed) return;
    if (this.#socket.writableCorked === 0) {
      // A block is two writes (header, data), and many blocks go out in one turn: one system call.
      this.#socket.cork();
      queueMicrotask(() => this.#socket.uncork());
    }
    this.#socket.write(bytes);
    if (this.#socket.writableLength > MAX_BACKLOG) this.close("peer-does-not-read");
  }

  #wakeDrained(): void {
    for (const wake of this.#whenDrained.splice(0)) wake();
  }
}
