/**
 * The server: sockets, limits, certificates.
 *
 * @module
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer, type Server as TlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { NetworkError } from "../../common/errors.ts";
import type { TlsIdentity } from "../../identity/certificate.ts";
import { deadline, idleDeadline } from "../../common/wait.ts";
import { type Exchange, Refusal, sendText } from "./reply.ts";

/** What strangers may take of this machine. Times are in milliseconds. */
export interface ServerLimits {
  readonly connections: number;
  /** Requests that are answered at once; the others are told to come back. */
  readonly requests: number;
  readonly headerBytes: number;
  /** Until a request's headers, and the handshake before them, have come. */
  readonly headersMs: number;
  /** Until its body has come. */
  readonly bodyMs: number;
  /** Without a byte moving. */
  readonly idleMs: number;
  /** For one request in all. */
  readonly requestMs: number;
}

export const LIMITS: ServerLimits = {
  connections: 256,
  requests: 32,
  headerBytes: 16 << 10,
  headersMs: 10_000,
  bodyMs: 120_000,
  idleMs: 60_000,
  requestMs: 3_600_000,
};

const KEEP_ALIVE_MS = 15_000;

/** What the server is opened with. */
export interface ServerOptions {
  readonly host: string;
  readonly port: number;
  /** Absent: http without encryption. */
  readonly tls: TlsIdentity | undefined;
  readonly limits: ServerLimits;
  /** May throw a {@linkcode Refusal} before it has sent anything. */
  readonly answer: (exchange: Exchange) => Promise<void>;
  readonly dropped: (reason: string) => void;
  readonly log: (message: string) => void;
}

/** An HTTP/1.1 server that gives nobody more than its share. */
export class HttpServer implements AsyncDisposable {
  readonly #server: Server | TlsServer;
  readonly #options: ServerOptions;
  readonly #stop = new AbortController();
  #answering = 0;

  private constructor(server: Server | TlsServer, options: ServerOptions) {
    this.#server = server;
    this.#options = options;
    const { dropped } = options;
    server.maxConnections = options.limits.connections;
    server.on("request", (request, response) => void this.#serve(request, response));
    server.on("clientError", (_error, socket) => {
      dropped("bad-request");
      socket.destroy();
    });
    server.on("tlsClientError", (_error, socket) => {
      dropped("bad-handshake");
      socket.destroy();
    });
  }

  /** @throws {NetworkError} "port-in-use", "bad-certificate" */
  static async open(options: ServerOptions): Promise<HttpServer> {
    const { limits, tls, host, port } = options;
    const settings = {
      maxHeaderSize: limits.headerBytes,
      headersTimeout: limits.headersMs,
      requestTimeout: limits.bodyMs,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: Math.min(1000, limits.headersMs),
    };
    const server = tls
      ? createTlsServer({
        ...settings,
        ...tls,
        handshakeTimeout: limits.headersMs,
        minVersion: "TLSv1.2",
        ALPNProtocols: ["http/1.1"],
      })
      : createServer(settings);
    const opened = new HttpServer(server, options);
    await new Promise<void>((resolve, reject) => {
      server.once("error", (cause: Error & { code?: string }) =>
        reject(
          new NetworkError(
            cause.code === "EADDRINUSE" ? "port-in-use" : "can't-listen",
            `can't listen on ${host}:${port}: ${cause.message}`,
            { hint: "gtr config default.listen <host:port>", cause },
          ),
        ));
      server.listen(port, host, resolve);
    });
    return opened;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Uses another certificate for the connections to come. */
  setCertificate(tls: TlsIdentity): void {
    if ("setSecureContext" in this.#server) this.#server.setSecureContext({ ...tls });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { limits, answer, dropped, log } = this.#options;
    const gone = new AbortController();
    response.on("close", () => gone.abort(new Error("the client has gone")));
    response.on("error", () => {}); // "close" follows
    request.on("error", () => {});
    const parent = AbortSignal.any([gone.signal, this.#stop.signal]);
    using limit = deadline(limits.requestMs, "a request to be answered", parent);
    using idle = idleDeadline(limits.idleMs, "a client that reads", limit.signal);
    const exchange = { request, response, signal: idle.signal, touch: idle.touch };
    this.#answering++;
    try {
      if (this.#answering > limits.requests) {
        throw new Refusal(503, "too many requests at once", { "Retry-After": "10" });
      }
      await answer(exchange);
    } catch (error) {
      if (error instanceof Refusal) dropped(`http-${error.status}`);
      else if (!idle.signal.aborted) log(`can't answer a request: ${(error as Error).message}`);
      if (response.headersSent || idle.signal.aborted) response.destroy();
      else this.#refuse(request, response, error);
    } finally {
      this.#answering--;
    }
  }

  #refuse(request: IncomingMessage, response: ServerResponse, error: unknown): void {
    // What of the body has not been read is not going to be.
    const headers: Record<string, string> = request.complete ? {} : { Connection: "close" };
    if (error instanceof Refusal) {
      sendText({ request, response }, error.status, error.message, {
        ...headers,
        ...error.headers,
      });
    } else sendText({ request, response }, 500, "something went wrong here", headers);
  }
}
