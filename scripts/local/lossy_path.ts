/**
 * A long and lossy path between two UDP ports of this machine.
 *
 * @module
 */
import { type Backend, openFastest } from "@gtr/udx";

/** What the path is like. */
export interface PathOptions {
  /** One way, ms. */
  readonly delay?: number;
  /** Chance that a datagram is lost, 0 to 1; which ones is the same in every run. */
  readonly loss?: number;
}

interface Datagram {
  readonly due: number;
  readonly bytes: Uint8Array;
  readonly port: number;
}

/** Forwards what comes from one port to the other, and back. */
export class LossyPath implements AsyncDisposable {
  /** Datagrams that were lost. */
  lost = 0;
  /** What both sides send to. */
  readonly port: number;
  readonly #socket: Backend;
  readonly #host: string;
  readonly #delay: number;
  #queue: Datagram[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #seed = 1;

  constructor(host: string, a: number, b: number, { delay = 0, loss = 0 }: PathOptions) {
    this.#host = host;
    this.#delay = delay;
    const options = { port: 0, host, family: 4, ipv6Only: false, reuseAddress: false } as const;
    this.#socket = openFastest(options, {
      datagram: (bytes, port) => {
        if (this.#random() < loss) this.lost++;
        else this.#carry(bytes.slice(), port === a ? b : a);
      },
      batchEnd: () => {},
    });
    this.port = this.#socket.port;
  }

  [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#timer);
    return new Promise((resolve) => this.#socket.close(resolve));
  }

  #carry(bytes: Uint8Array, port: number): void {
    if (this.#delay === 0) return this.#socket.send(bytes, port, this.#host, 0);
    this.#queue.push({ due: performance.now() + this.#delay, bytes, port });
    this.#timer ??= setTimeout(() => this.#deliver(), this.#delay);
  }

  #deliver(): void {
    const now = performance.now();
    const left = this.#queue.findIndex(({ due }) => due > now);
    const due = this.#queue.splice(0, left < 0 ? this.#queue.length : left);
    for (const { bytes, port } of due) this.#socket.send(bytes, port, this.#host, 0);
    const next = this.#queue[0];
    this.#timer = next && setTimeout(() => this.#deliver(), next.due - now);
  }

  #random(): number {
    this.#seed = (Math.imul(this.#seed, 1_103_515_245) + 12_345) | 0;
    return (this.#seed >>> 8) / 2 ** 24;
  }
}
