/**
 * Two ends of a connection, as hyperdht gives them, without any network.
 *
 * @module
 */
import { EventEmitter } from "node:events";
import { Duplex } from "node:stream";
import type { NoiseStream } from "../../../../lib/types/hyperdht.d.ts";

/** One end. */
export class FakeStream extends Duplex {
  other!: FakeStream;
  /** What it was destroyed with. */
  endedBy: Error | null | undefined;
  readonly rawStream = Object.assign(new EventEmitter(), { remoteHost: "192.0.2.7" });

  get destroying(): boolean {
    return this.destroyed;
  }

  override _read(): void {}

  override _write(chunk: Uint8Array, _encoding: unknown, done: () => void): void {
    this.other.come(new Uint8Array(chunk));
    done();
  }

  override _final(done: () => void): void {
    this.other.push(null);
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.endedBy = error;
    // The other end learns of it by the network.
    setTimeout(() => this.other.destroy());
    done(error);
  }

  come(chunk: Uint8Array): void {
    this.rawStream.emit("data", chunk);
    this.push(chunk);
  }

  get noise(): NoiseStream {
    this.on("error", () => {});
    return this as unknown as NoiseStream;
  }
}

/** Two ends that are connected. */
export function streamPair(): readonly [FakeStream, FakeStream] {
  const [a, b] = [new FakeStream(), new FakeStream()];
  [a.other, b.other] = [b, a];
  return [a, b];
}
