/**
 * Passing packets on between streams, as they are: what a relay does for two peers that can't reach
 * each other.
 *
 * @module
 */
import { PacketType, setStream } from "./packet.ts";
import type { Route } from "./route.ts";

/** What relaying needs of its stream. */
export interface RelaySink {
  transmit(packet: Uint8Array, route: Route): void;
  destroy(): void;
}

/** A stream's part in relaying: where its packets are passed on to, and whose come here. */
export class Relay {
  /** Where the stream is connected; null: nowhere. */
  route: Route | null = null;
  readonly #sink: RelaySink;
  readonly #forward: ((bytes: number) => boolean) | undefined;
  readonly #sources = new Set<Relay>();
  #target: Relay | null = null;
  #began = false;

  /** @param forward whether a packet of so many bytes is passed on, or dropped */
  constructor(sink: RelaySink, forward?: (bytes: number) => boolean) {
    this.#sink = sink;
    this.#forward = forward;
  }

  /** Whether the stream is relayed, or was: its end is then no news for the other side. */
  get began(): boolean {
    return this.#began;
  }

  /** Whether packets are passed on now. */
  get passesOn(): boolean {
    return this.#target !== null;
  }

  /** Passes packets on to where the other stream is connected, from now on. Only the first counts. */
  to(target: Relay): void {
    if (this.#began) return;
    this.#began = true;
    this.#target = target;
    target.#sources.add(this);
  }

  /** Passes a packet on. "ended": the sender has given its stream up by it. */
  pass(bytes: Uint8Array): "ended" | undefined {
    const last = (bytes[2]! & PacketType.DESTROY) !== 0;
    const target = this.#target;
    if (target?.route && (last || (this.#forward?.(bytes.length) ?? true))) {
      const copy = bytes.slice();
      setStream(copy, target.route.id);
      target.#sink.transmit(copy, target.route);
    }
    return last ? "ended" : undefined;
  }

  /** The stream is over, and so are those whose packets came here. */
  close(): void {
    if (this.#target) this.#target.#sources.delete(this);
    this.#target = null;
    this.route = null;
    for (const source of this.#sources) {
      source.#target = null;
      source.#sink.destroy();
    }
    this.#sources.clear();
  }
}
