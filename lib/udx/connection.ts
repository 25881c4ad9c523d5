/**
 * One stream of UDX as a state machine: packets and the time go in, packets and data come out. It
 * does no I/O and reads no clock. Times in ms, of any clock that doesn't go back.
 *
 * @module
 */
import { connectionReset, connectionTimedOut, type UdxError } from "./error.ts";
import {
  decodeHeader,
  encodeHeader,
  type Header,
  HEADER_SIZE,
  PacketType,
  payloadStart,
} from "./packet.ts";
import { RECEIVE_WINDOW, Receiver, type ReceiverSink } from "./receiver.ts";
import { Heartbeats } from "./heartbeats.ts";
import type { Route } from "./route.ts";
import { Sender } from "./sender.ts";
import { advance, distance } from "./sequence.ts";

/** Packets that one acknowledgement may stand for within a batch. */
const ACK_EVERY = 8;

/** Where a connection's output goes. Its methods may call the connection. */
export interface ConnectionSink extends ReceiverSink {
  /** A packet to send. Nothing changes it until it is acknowledged or sent again. */
  transmit(packet: Uint8Array, route: Route): void;
  /** The other side has ended its half, and all of it was delivered. */
  end(): void;
  /** A message came. The bytes are valid during the call only. */
  message(payload: Uint8Array): void;
  /** Some of what was written has been acknowledged. */
  acknowledged(): void;
  /** Everything sent to the old remote has been acknowledged. */
  remoteChanged(): void;
  /** The connection is over: both sides have ended, or it failed. */
  closed(error: UdxError | null): void;
}

/** Packets that were dropped, by reason. */
export interface Dropped {
  /** Too short for what the header claims. */
  malformed: number;
  /** Not of this time of the stream, or beyond what is buffered. */
  outside: number;
  /** Acknowledges what was never sent. */
  badAck: number;
}

/** A connection of one stream. */
export class Connection {
  readonly sender: Sender;
  readonly receiver: Receiver;
  readonly dropped: Dropped = { malformed: 0, outside: 0, badAck: 0 };
  closed = false;

  readonly #sink: ConnectionSink;
  #kernelBuffer = 0;
  readonly #header: Header = { type: 0, offset: 0, stream: 0, window: 0, seq: 0, ack: 0 };
  readonly #out: Header = { type: 0, offset: 0, stream: 0, window: 0, seq: 0, ack: 0 };
  /** Packets that an acknowledgement is due for. */
  #unacked = 0;
  /** The window that the other side was told last. */
  #toldWindow = RECEIVE_WINDOW;
  #endTold = false;
  #changeEnds: number | undefined;
  readonly #heartbeats = new Heartbeats();

  /** @param seq number of the first packet that is sent */
  constructor(sink: ConnectionSink, now: number, seq = 0) {
    this.#sink = sink;
    this.receiver = new Receiver(sink);
    this.sender = new Sender(seq >>> 0, now, this.receiver, (packet, route) => {
      // What is told in this packet need not be told in one of its own.
      if (this.receiver.early === 0) this.#unacked = 0;
      sink.transmit(packet, route);
    });
  }

  /** When {@linkcode onTimer} has to be called next; Infinity: never. */
  get deadline(): number {
    return Math.min(this.sender.deadline, this.#heartbeats.deadline);
  }

  /**
   * Says where the other side is. What came from it before is acknowledged now.
   *
   * @param ack number of the first packet that the other side sends, where that isn't 0; it comes too
   *   late for a stream that has received some
   */
  connect(route: Route, now: number, ack?: number): void {
    if (ack && this.receiver.ack === 0) {
      this.receiver.ack = ack >>> 0;
      this.sender.expect(ack >>> 0);
    }
    this.sender.route = route;
    this.#heartbeats.begin(now);
    this.flush();
  }

  /**
   * Says what is known of this end, for the window that the other side is told.
   *
   * @param kernelBuffer size of the receiving socket's buffer, bytes; 0: unknown
   * @param near the other side is on this machine
   */
  setPath(kernelBuffer: number, near: boolean): void {
    this.#kernelBuffer = kernelBuffer;
    this.#limitByPath(near ? 0 : this.sender.recovery.rtt.minimum);
  }

  /** Sends to another place from now on; calls `remoteChanged` when nothing waits for the old one. */
  changeRoute(route: Route): void {
    this.sender.changeRoute(route);
    this.#changeEnds = this.sender.recovery.next;
    if (this.sender.idle) this.#routeChanged();
  }

  /** Sends bytes. They must not change until they are acknowledged. */
  write(chunks: readonly Uint8Array[], now: number): void {
    for (const chunk of chunks) this.sender.write(chunk);
    this.#pump(now);
  }

  /** Ends this side's half, after what was written. */
  end(now: number): void {
    this.sender.end();
    this.#pump(now);
  }

  /** Sends a message; it may be lost. */
  message(payload: Uint8Array): void {
    this.#control(PacketType.MESSAGE, payload);
  }

  /** Sends something at least every `ms` ms while there is nothing else to send; 0: doesn't. */
  setKeepalive(ms: number, now: number): void {
    this.#heartbeats.every = ms;
    if (this.sender.route && !this.closed) this.#heartbeats.begin(now);
  }

  /** Gives the stream up and, if it was connected and isn't relayed, says so. */
  destroy(tell: boolean): void {
    if (this.closed) return;
    if (tell && this.sender.route) {
      this.#control(PacketType.DESTROY);
      this.sender.recovery.next = advance(this.sender.recovery.next);
    }
    this.close(null);
  }

  /** Takes a packet for this stream, for which {@linkcode isPacket} holds. */
  feed(bytes: Uint8Array, now: number): void {
    if (this.closed) return;
    const header = decodeHeader(bytes, this.#header);
    const { type, seq } = header;
    this.#heartbeats.heard();
    if (type & PacketType.HEARTBEAT) {
      this.#ackLater();
      return;
    }
    // SACK blocks stand where padding stands in other packets.
    const start = payloadStart(bytes);
    if (start < 0) {
      this.dropped.malformed++;
      return;
    }
    if (this.receiver.isFarAhead(seq)) { // believed, its window would be the newest for ever
      this.dropped.outside++;
      return;
    }
    if (type & PacketType.DESTROY) {
      if (this.#plausible(header)) this.close(connectionReset());
      else this.dropped.outside++;
      return;
    }
    if (type & (PacketType.DATA | PacketType.END)) {
      const received = this.receiver.receive(type, seq, bytes.subarray(start));
      if (received === "dropped") this.dropped.outside++;
      if (this.closed) return; // by who was given the data
      this.#unacked++;
    }
    if (type & PacketType.MESSAGE) {
      this.#sink.message(bytes.subarray(start));
      if (this.closed) return;
    }
    this.#acknowledged(header, bytes, now);
    if (this.closed) return;
    if (this.receiver.ended && !this.#endTold) this.#tellEnd();
    else if (this.#unacked >= ACK_EVERY) this.flush();
  }

  /** Sends the acknowledgement that is due: called when a batch of packets has been fed. */
  flush(): void {
    if (this.closed || !this.sender.route) return;
    if (this.#unacked > 0) this.#sendAck();
    if (this.receiver.ended && !this.#endTold) this.#tellEnd();
  }

  /** Some of what was delivered has been read: tells it where the other side waits for that. */
  read(): void {
    const { limit, window } = this.receiver;
    if (this.closed || !this.sender.route) return;
    if (this.#toldWindow < limit / 2 && window >= limit / 2) this.#sendAck();
  }

  /** Does what is due by now. */
  onTimer(now: number): void {
    if (this.closed) return;
    if (this.sender.deadline <= now && !this.sender.onTimer(now)) {
      this.close(connectionTimedOut());
      return;
    }
    const due = this.#heartbeats.due(now, this.sender.idle, this.sender.recovery.rtt.rto);
    if (due === "dead") return this.close(connectionTimedOut());
    if (due) this.#control(PacketType.HEARTBEAT);
    this.#watchWindow(now);
  }

  /** Ends the connection at once, without a word to the other side. */
  close(error: UdxError | null): void {
    if (this.closed) return;
    this.closed = true;
    this.sender.clear();
    this.receiver.clear();
    this.#heartbeats.stop();
    this.#sink.closed(error);
  }

  /** A packet that acknowledges all that was received, as the connection is now. */
  acknowledgement(): Uint8Array {
    const bytes = new Uint8Array(this.receiver.ackSize);
    this.#writeHeader(bytes, this.receiver.writeAck(bytes));
    return bytes;
  }

  /** Whether someone who can't see the packets could hardly have made this one. */
  #plausible({ seq, ack }: Header): boolean {
    const { oldest, next } = this.sender.recovery;
    return this.receiver.expects(seq) && distance(ack, oldest) >= 0 && distance(ack, next) <= 0;
  }

  #acknowledged(header: Header, bytes: Uint8Array, now: number): void {
    const { sender } = this;
    const before = sender.acknowledged;
    if (!sender.onPacket(header, bytes, now)) {
      this.dropped.badAck++;
      return;
    }
    if (this.#changeEnds !== undefined && distance(header.ack, this.#changeEnds) >= 0) {
      this.#routeChanged();
    }
    if (sender.acknowledged !== before) {
      this.#limitByPath(sender.recovery.rtt.minimum);
      this.#sink.acknowledged();
    }
    if (this.closed) return;
    if (sender.ended && this.#endTold) this.close(null);
    else this.#pump(now);
  }

  #limitByPath(rtt: number): void {
    this.receiver.setPath(this.#kernelBuffer, rtt);
    this.sender.setPath(this.#kernelBuffer, rtt);
  }

  #pump(now: number): void {
    if (this.closed || !this.sender.route) return;
    this.sender.pump(now);
    this.#watchWindow(now);
    this.#heartbeats.begin(now);
  }

  /** The end is acknowledged before it is told, since being told may close the stream. */
  #tellEnd(): void {
    if (!this.sender.route) {
      this.#unacked++;
      return;
    }
    this.#endTold = true;
    this.#sendAck();
    this.#sink.end();
    if (this.sender.ended) this.close(null);
  }

  #routeChanged(): void {
    this.#changeEnds = undefined;
    this.#sink.remoteChanged();
  }

  #ackLater(): void {
    this.#unacked++;
    if (this.#unacked >= ACK_EVERY) this.flush();
  }

  #sendAck(): void {
    this.#unacked = 0;
    this.#toldWindow = this.receiver.window;
    this.#sink.transmit(this.acknowledgement(), this.sender.route!);
  }

  #control(type: number, payload?: Uint8Array): void {
    if (!this.sender.route) return;
    const bytes = new Uint8Array(HEADER_SIZE + (payload?.length ?? 0));
    this.#writeHeader(bytes, type);
    if (payload) bytes.set(payload, HEADER_SIZE);
    this.#sink.transmit(bytes, this.sender.route);
  }

  #writeHeader(bytes: Uint8Array, type: number): void {
    const out = this.#out;
    out.type = type;
    out.stream = this.sender.route!.id;
    out.window = this.receiver.window;
    out.seq = this.sender.recovery.next;
    out.ack = this.receiver.ack;
    encodeHeader(bytes, out);
  }

  #watchWindow(now: number): void {
    this.#heartbeats.watch(this.sender.blocked, now, this.sender.recovery.rtt.rto);
  }
}
