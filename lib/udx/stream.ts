/**
 * A stream with the interface of udx-native's: a streamx Duplex around a {@linkcode Connection}.
 *
 * @module
 */
import { Buffer } from "node:buffer";
// @ts-types="./streamx.d.ts"
import { Writable } from "streamx";
import { Connection } from "./connection.ts";
import { DeadlineTimer } from "./deadline_timer.ts";
import { connectionReset, UdxError } from "./error.ts";
import { family, isLoopback } from "./ip_address.ts";
import { MeasuredDuplex } from "./measured_duplex.ts";
import type { Multiplexer } from "./multiplexer.ts";
import { Relay } from "./relay.ts";
import type { Route } from "./route.ts";
import type { CarriedStream, UDXSocket } from "./socket.ts";
import { StreamOutput } from "./stream_output.ts";
import { WaitingWriters } from "./waiting_writers.ts";

/** Decides about a packet that came over another socket than the stream's: true refuses it. */
export type Firewall = (socket: UDXSocket, port: number, host: string, family: 4 | 6) => boolean;

/** Options of {@linkcode UDXStream}. */
export interface StreamOptions {
  /** By default everything is refused until the stream is connected. */
  readonly firewall?: Firewall;
  /** Data comes in frames; it is always handed over as much together as came together. */
  readonly framed?: boolean;
  /** Number of the first packet. */
  readonly seq?: number;
  /** Of a stream that is relayed: whether a packet of so many bytes is forwarded, or dropped. */
  readonly forward?: (bytes: number) => boolean;
}

/** Options of {@linkcode UDXStream.connect}. */
export interface ConnectOptions {
  /** Number of the first packet that the other side sends. */
  readonly ack?: number;
}

type Done = (error: Error | null) => void;

/** What a piece of data costs beside its bytes until it is read, however short it is; bytes. */
const PIECE_COST = 128;

/**
 * A stream: a Duplex of streamx, as those of udx-native. Emits, beside a Duplex' own events, "connect",
 * "message" (bytes) and "remote-changed".
 *
 * ```ts
 * import { UDX } from "@gtr/udx";
 *
 * const udx = new UDX();
 * const socket = udx.createSocket();
 * socket.bind(0, "127.0.0.1");
 * const { port } = socket.address()!;
 * const [left, right] = [udx.createStream(1), udx.createStream(2)];
 * left.connect(socket, right.id, port, "127.0.0.1");
 * right.connect(socket, left.id, port, "127.0.0.1");
 *
 * right.end(); // it has nothing to say
 * left.resume(); // and that end has to be read
 * left.end("hello");
 * for await (const bytes of right) console.log(String(bytes));
 * await socket.close(); // once both streams are closed
 * ```
 */
export class UDXStream extends MeasuredDuplex implements CarriedStream {
  /** The UDX that made it. */
  readonly udx: Multiplexer<CarriedStream>;
  /** By which the other side addresses it. */
  readonly id: number;
  /** The socket that it is connected over; null before, and after its end. */
  socket: UDXSocket | null = null;
  /** The id of the other side's stream. */
  remoteId = 0;
  /** The other side's address; null before it is connected. */
  remoteHost: string | null = null;
  /** Of `remoteHost`; 0 before it is connected. */
  remoteFamily: 0 | 4 | 6 = 0;
  /** The other side's port; 0 before it is connected. */
  remotePort = 0;
  /** Anything of the user's. */
  userData: unknown = null;

  /** @internal */
  protected override readonly connection: Connection;
  readonly #output: StreamOutput;
  readonly #firewall: Firewall;
  readonly #relay: Relay;
  readonly #writers: WaitingWriters;
  #closed = false;
  /** Its part of what the UDX knows to be held. */
  #held = 0;
  #previousSocket: UDXSocket | null = null;
  /** Sockets that it is or was connected over: packets may still come there after a change. */
  readonly #known = new WeakSet<UDXSocket>();
  #remoteChanging = false;
  #onDestroy: Done | null = null;
  readonly #timer = new DeadlineTimer((now) => {
    this.connection.onTimer(now);
    this.#arm();
  });

  /** As {@linkcode UDX.createStream} makes it. */
  constructor(udx: Multiplexer<CarriedStream>, id: number, options: StreamOptions = {}) {
    super({ mapWritable: toBuffer, eagerOpen: true });
    this.udx = udx;
    this.id = id;
    this.#firewall = options.firewall ?? refuse;
    this.#relay = new Relay(
      {
        transmit: (packet, route) => this.#transmit(packet, route),
        destroy: () => this.destroy(),
      },
      options.forward,
    );
    this.#output = new StreamOutput(this);
    this.connection = new Connection(
      {
        transmit: (packet, route) => this.#transmit(packet, route),
        data: (payload) => this.#output.add(payload),
        unread: () => {
          const { buffered, queue } = this._readableState;
          return buffered + queue.length * PIECE_COST + this.#output.pending;
        },
        isCrowded: () => udx.isCrowded,
        end: () => this.#output.end(),
        message: (payload) => this.emit("message", Buffer.from(payload)),
        acknowledged: () => this.#writers.acknowledged(),
        remoteChanged: () => this.#remoteChanged(),
        closed: (error) => this.#onClosed(error),
      },
      performance.now(),
      options.seq,
    );
    this.#writers = new WaitingWriters(this.connection.sender);
    udx.addStream(this);
  }

  /** Whether it is connected: an other side is known, which may not know of this one. */
  get connected(): boolean {
    return this.socket !== null;
  }

  /** The address that its socket is bound to. */
  get localHost(): string | null {
    return this.socket?.address()?.host ?? null;
  }

  /** Of `localHost`. */
  get localFamily(): 0 | 4 | 6 {
    return this.socket?.address()?.family ?? 0;
  }

  /** The port that its socket is bound to. */
  get localPort(): number {
    return this.socket?.address()?.port ?? 0;
  }

  /** Data is always handed over as much together as came together, and at once. */
  setInteractive(_interactive: boolean): void {}

  /** Sends something every `ms` ms while there is nothing else to send; 0: doesn't. */
  setKeepalive(ms: number): void {
    if (this.#closed) return;
    this.connection.setKeepalive(ms, performance.now());
    this.#arm();
  }

  /** Connects to a stream of another socket, by the id that it has there. */
  connect(
    socket: UDXSocket,
    remoteId: number,
    port: number,
    host?: string | ConnectOptions | null,
    options: ConnectOptions = {},
  ): void {
    if (this.#closed) return;
    if (this.connected) throw new Error("Already connected");
    if (socket.closing) throw new Error("Socket is closed");
    if (typeof host === "object" && host !== null) [host, options] = [undefined, host];
    const route = this.#route(remoteId, port, host);
    if (!socket.bound) socket.bind(0);
    this.#setRemote(socket, route);
    socket.addStream(this);
    this.connection.connect(route, performance.now(), options.ack);
    this.#arm();
    this.emit("connect");
  }

  /**
   * Goes on with another remote. Resolves when all that was sent to the old one is acknowledged.
   *
   * @throws where it isn't connected, or is changing already
   */
  changeRemote(
    socket: UDXSocket,
    remoteId: number,
    port: number,
    host?: string | null,
  ): Promise<void> {
    if (this.#remoteChanging) throw new Error("Remote already changing");
    if (!this.socket) throw new Error("Not yet connected");
    if (socket.closing) throw new Error("Socket is closed");
    if (this.socket.udx !== socket.udx) {
      throw new Error("Cannot change to a socket on another UDX instance");
    }
    const route = this.#route(remoteId, port, host);
    if (!socket.bound) socket.bind(0);
    if (this.socket !== socket) this.#previousSocket = this.socket;
    this.#setRemote(socket, route);
    socket.addStream(this);
    this.#remoteChanging = true;
    const changed = new Promise<void>((resolve, reject) => {
      const onChanged = () => {
        this.off("close", onClose);
        resolve();
      };
      const onClose = () => {
        this.off("remote-changed", onChanged);
        reject(new Error("Stream is closed"));
      };
      this.once("remote-changed", onChanged).once("close", onClose);
    });
    // Told later, so that the caller can listen.
    queueMicrotask(() => this.#closed || this.connection.changeRoute(route));
    return changed;
  }

  /** Forwards everything that comes to where `destination` is connected. */
  relayTo(destination: UDXStream): void {
    if (!this.#closed && !destination.#closed) this.#relay.to(destination.#relay);
  }

  /** Sends a message: not ordered, not repeated. Resolves with whether it left. */
  send(bytes: Uint8Array): Promise<boolean> {
    const open = this.connected && !this.#closed;
    this.trySend(bytes);
    return Promise.resolve(open);
  }

  /** Sends a message. */
  trySend(bytes: Uint8Array): void {
    if (this.connected && !this.#closed) this.connection.message(bytes);
  }

  /** Resolves with true when all that was written is acknowledged, false where it never will be. */
  async flush(): Promise<boolean> {
    if (await Writable.drained(this) === false || this.destroying) return false;
    return await this.#writers.flushed();
  }

  /** What it is doing, for a log. */
  toJSON(): Record<string, unknown> {
    return {
      id: this.id,
      connected: this.connected,
      destroying: this.destroying,
      destroyed: this.destroyed,
      remoteId: this.remoteId,
      remoteHost: this.remoteHost,
      remoteFamily: this.remoteFamily,
      remotePort: this.remotePort,
      mtu: this.mtu,
      rtt: this.rtt,
      cwnd: this.cwnd,
      inflight: this.inflight,
      socket: this.socket ? this.socket.toJSON() : null,
    };
  }

  /** A packet for this stream came: called by the socket. */
  packet(socket: UDXSocket, bytes: Uint8Array, port: number, host: string, family: 4 | 6): void {
    if (this.#closed) return;
    this.bytesReceived += bytes.length;
    this.packetsReceived++;
    if (!this.#known.has(socket)) {
      if (port <= 0 || port > 65_535 || this.#firewall(socket, port, host, family)) return;
      if (this.#closed) return; // by the firewall's callback
    }
    if (!this.#relay.passesOn) this.connection.feed(bytes, performance.now());
    else if (this.#relay.pass(bytes) === "ended") this.connection.close(connectionReset());
  }

  /** All packets of a batch were given. */
  batchEnd(): void {
    if (this.#closed) return;
    this.connection.flush();
    this.#output.flush();
    this.#count();
    this.#arm();
  }

  /** @internal */
  protected override _read(done: Done): void {
    this.#count();
    this.connection.read();
    done(null);
  }

  /** @internal */
  protected override _writev(chunks: Uint8Array[], done: Done): void {
    if (!this.connected) {
      throw new UdxError(
        "ERR_ASSERTION",
        "Writing while not connected not currently supported",
      );
    }
    this.connection.write(chunks, performance.now());
    this.#arm();
    this.#writers.next(done);
  }

  /** @internal */
  protected override _final(done: Done): void {
    this.connection.end(performance.now());
    this.#arm();
    this.#writers.next(done);
  }

  /** @internal */
  protected override _predestroy(): void {
    if (!this.#closed) this.connection.destroy(!this.#relay.began);
    this.#closed = true;
    this.#writers.release();
  }

  /** @internal */
  protected override _destroy(done: Done): void {
    if (this.connected) this.#onDestroy = done;
    else done(null);
  }

  #route(id: number, port: number, host: string | null | undefined): Route {
    const to = host || "127.0.0.1";
    const kind = family(to);
    if (kind === 0) throw new Error(`${to} is not a valid IP address`);
    if (!(port > 0 && port < 65_536)) throw new Error(`${port} is not a valid port`);
    return { id, host: to, port, family: kind };
  }

  #setRemote(socket: UDXSocket, route: Route): void {
    const { id, host, port, family } = route;
    this.socket = socket;
    this.#relay.route = route;
    this.#known.add(socket);
    this.connection.setPath(socket.getRecvBufferSize(), isLoopback(host));
    this.remoteId = id;
    this.remoteHost = host;
    this.remotePort = port;
    this.remoteFamily = family;
  }

  #transmit(packet: Uint8Array, { host, port }: Route): void {
    this.bytesTransmitted += packet.length;
    this.packetsTransmitted++;
    this.socket?.transmit(packet, port, host);
  }

  /** Tells the UDX what is held here. Of a stream that is over it is the reader's own. */
  #count(): void {
    const held = this.#closed ? 0 : this.connection.receiver.held;
    this.udx.held += held - this.#held;
    this.#held = held;
  }

  #remoteChanged(): void {
    this.#remoteChanging = false;
    this.#previousSocket?.removeStream(this);
    this.#previousSocket = null;
    this.emit("remote-changed");
  }

  #onClosed(error: UdxError | null): void {
    this.#closed = true;
    this.#timer.stop();
    const { sender, receiver } = this.connection;
    const last = sender.ended && receiver.ended && sender.route
      ? { packet: this.connection.acknowledgement(), route: sender.route }
      : undefined;
    this.udx.removeStream(this, last);
    this.#writers.close();
    this.#relay.close();
    this.#output.flush();
    this.#count();
    // Later: this may be in the middle of a packet, or of the stream's own destroy().
    queueMicrotask(() => this.#release(error));
  }

  #release(error: UdxError | null): void {
    const { socket } = this;
    this.socket = null;
    socket?.removeStream(this);
    this.#previousSocket?.removeStream(this);
    this.#previousSocket = null;
    const done = this.#onDestroy;
    this.#onDestroy = null;
    if (done) done(error);
    else if (error) this.destroy(error);
  }

  #arm(): void {
    if (!this.#closed) this.#timer.set(this.connection.deadline);
  }
}

function toBuffer(data: unknown): unknown {
  return typeof data === "string" ? Buffer.from(data) : data;
}

function refuse(): boolean {
  return true;
}
