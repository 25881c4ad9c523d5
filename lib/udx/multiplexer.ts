/**
 * What the sockets and streams of one UDX have in common.
 *
 * @module
 */
import type { OpenBackend } from "./backend.ts";
import { Lingering } from "./lingering.ts";
import type { Route } from "./route.ts";

/** Bytes that all streams together may hold before each has to do with little. */
const MAX_HELD = 64 * 1024 * 1024;

/** Streams by their ids, which every socket looks up, and what all of them add up to. */
export class Multiplexer<Stream extends { readonly id: number }> {
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

  /** Streams by their id. */
  readonly streams: Map<number, Stream> = new Map();
  /** @internal */
  readonly lingering: Lingering = new Lingering();
  /** Bytes that streams hold: what came before its turn, and what isn't read yet. */
  held = 0;
  /** How sockets are opened. */
  readonly openBackend: OpenBackend;

  /** As {@linkcode UDX} is made; `openBackend`: how to open UDP sockets */
  constructor(openBackend: OpenBackend) {
    this.openBackend = openBackend;
  }

  /** Whether streams hold so much that each has to do with little. */
  get isCrowded(): boolean {
    return this.held > MAX_HELD;
  }

  /**
   * A stream exists: called by its constructor.
   *
   * @internal
   */
  addStream(stream: Stream): void {
    this.lingering.delete(stream.id);
    this.streams.set(stream.id, stream);
  }

  /**
   * A stream is over; `last`: what to answer if the other side sends its end again.
   *
   * @internal
   */
  removeStream(
    stream: Stream,
    last?: { readonly packet: Uint8Array; readonly route: Route },
  ): void {
    if (this.streams.get(stream.id) !== stream) return;
    this.streams.delete(stream.id);
    if (last) this.lingering.add(stream.id, last.packet, last.route, performance.now());
  }
}
