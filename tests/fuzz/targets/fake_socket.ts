/**
 * A TCP connection without a network.
 *
 * @module
 */
import type { Socket } from "node:net";
import { Duplex } from "node:stream";

/** A socket on which `say` says what comes from the other end; what is sent there is forgotten. */
export class FakeSocket extends Duplex {
  readonly remoteAddress = "198.51.100.7";
  readonly remotePort = 6881;
  readonly localAddress = "198.51.100.1";
  /** Bytes that were sent. */
  sent = 0;

  constructor() {
    super({ allowHalfOpen: true });
    this.on("error", () => {});
  }

  /** As what it is used for. */
  get socket(): Socket {
    return this as unknown as Socket;
  }

  say(bytes: Uint8Array): void {
    if (!this.destroyed) this.push(bytes);
  }

  setNoDelay(): this {
    return this;
  }

  setTimeout(): this {
    return this;
  }

  override _read(): void {}

  override _write(chunk: Uint8Array, _: string, done: () => void): void {
    this.sent += chunk.length;
    done();
  }
}
