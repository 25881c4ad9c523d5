/**
 * A path between two UDP ports that loses some datagrams.
 *
 * @module
 */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";

/** Forwards what comes from one port to the other, and back. */
export class LossyProxy implements AsyncDisposable {
  lost = 0;
  readonly port: number;
  readonly #socket: Socket;
  #seed = 1;

  private constructor(socket: Socket, host: string, a: number, b: number, loss: number) {
    this.#socket = socket;
    this.port = socket.address().port;
    socket.on("message", (bytes, from) => {
      if (this.#random() < loss) this.lost++;
      else socket.send(bytes, from.port === a ? b : a, host);
    });
  }

  /** @param loss the chance of each datagram, 0 to 1; which ones is the same in every run */
  static async start(host: string, a: number, b: number, loss: number): Promise<LossyProxy> {
    const socket = createSocket("udp4");
    socket.bind(0, host);
    await once(socket, "listening", { signal: AbortSignal.timeout(5000) });
    return new LossyProxy(socket, host, a, b, loss);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#socket, "close", { signal: AbortSignal.timeout(5000) });
    this.#socket.close();
    await closed;
  }

  #random(): number {
    this.#seed = Math.imul(this.#seed, 1_103_515_245) + 12_345 | 0;
    return (this.#seed >>> 8) / 2 ** 24;
  }
}
