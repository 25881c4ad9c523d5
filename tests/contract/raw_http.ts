/**
 * HTTP/1.1 as anybody could send it, byte for byte.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createConnection, type Socket } from "node:net";
import { once } from "node:events";

/** A connection that collects what comes. */
export class RawClient implements Disposable {
  readonly #chunks: Uint8Array[] = [];
  readonly closed: Promise<void>;

  private constructor(readonly socket: Socket) {
    socket.on("data", (chunk) => this.#chunks.push(chunk as Uint8Array));
    socket.on("error", () => {});
    this.closed = new Promise((resolve) => socket.once("close", () => resolve()));
  }

  /** @param address "host:port" */
  static async connect(address: string): Promise<RawClient> {
    const [host, port] = address.split(":");
    const socket = createConnection(Number(port), host);
    await once(socket, "connect");
    return new RawClient(socket);
  }

  send(data: string | Uint8Array): void {
    this.socket.write(data);
  }

  get received(): string {
    return Buffer.concat(this.#chunks).toString("latin1");
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}

/** Sends one request that ends the connection; the status and all that came. */
export async function rawRequest(
  address: string,
  request: string | Uint8Array,
): Promise<{ status: number; text: string }> {
  using client = await RawClient.connect(address);
  client.send(request);
  await client.closed;
  const text = client.received;
  return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0), text };
}

/** `GET target`, the last request of its connection. */
export function getRequest(target: string, headers: Record<string, string> = {}): string {
  const lines = Object.entries({ Host: "x", Connection: "close", ...headers })
    .map(([name, value]) => `${name}: ${value}\r\n`);
  return `GET ${target} HTTP/1.1\r\n${lines.join("")}\r\n`;
}
