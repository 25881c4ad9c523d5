/**
 * A line of a given speed to a server on loopback.
 *
 * @module
 */
import { sleep } from "../../lib/common/wait.ts";

/** Most bytes that pass at once. */
const CHUNK = 16 << 10;

/** Passes TCP connections on to a server, and what it answers at some speed. */
export class SlowLine implements Disposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #end = new AbortController();

  /**
   * @param port the server's, on 127.0.0.1
   * @param rate bytes per second of each connection
   */
  constructor(port: number, rate: number) {
    (async () => {
      for await (const client of this.#listener) {
        void this.#pass(client, port, rate).catch(() => {}); // either side hung up
      }
    })().catch(() => {});
  }

  /** Where it is dialled: "127.0.0.1:1234". */
  get address(): string {
    return `127.0.0.1:${this.#listener.addr.port}`;
  }

  async #pass(client: Deno.TcpConn, port: number, rate: number): Promise<void> {
    const { signal } = this.#end;
    try {
      const server = await Deno.connect({ hostname: "127.0.0.1", port });
      const slow = new TransformStream<Uint8Array, Uint8Array>({
        transform: async (bytes, controller) => {
          for (let at = 0; at < bytes.length; at += CHUNK) {
            const part = bytes.subarray(at, at + CHUNK);
            await sleep(1000 * part.length / rate, signal);
            controller.enqueue(part);
          }
        },
      });
      await Promise.all([
        client.readable.pipeTo(server.writable, { signal }),
        server.readable.pipeThrough(slow).pipeTo(client.writable, { signal }),
      ]);
    } catch (error) {
      try {
        client.close();
      } catch {
        // piping closed it
      }
      throw error;
    }
  }

  /** Cuts all connections. */
  [Symbol.dispose](): void {
    if (this.#end.signal.aborted) return;
    this.#end.abort();
    this.#listener.close();
  }
}
