/**
 * The server: sockets, limits, certificates.
 *
 * @module
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer, type Server as TlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { NetworkError } from "../../common/errors.ts";
import { placeOf } from "../../common/ip_address.ts";
import type { TlsIdentity } from "../../identity/certificate.ts";
import { RateLimiter } from "../../common/rate_limiter.ts";
import { deadline, idleDeadline, sleep } from "../../common/wait.ts";
import { formatEndpoint } from "./endpoint.ts";
import { Places } from "./places.ts";
import { type Exchange, Refusal, sendText } from "./reply.ts";

/** What strangers may take of this machine. Times are in milliseconds. */
export interface ServerLimits {
  readonly connections: number;
  /** Of these, for one address. */
  readonly connectionsPerPeer: number;
  /** Requests that are answered at once; the others are told to come back. */
  readonly requests: number;
  readonly requestsPerPeer: number;
  readonly headerBytes: number;
  /** Until a request's headers, and the handshake before them, have come. */
  readonly headersMs: number;
  /** Until its body has come. */
  readonly bodyMs: number;
  /** Without a byte moving. */
  readonly idleMs: number;
  /** For one request in all. */
  readonly requestMs: number;
  /** Until one of the git processes is free. */
  readonly queueMs: number;
}

export const LIMITS: ServerLimits = {
  connections: 256,
  connectionsPerPeer: 64,
  requests: 64,
  requestsPerPeer: 16,
  headerBytes: 16 << 10,
  headersMs: 10_000,
  bodyMs: 120_000,
  idleMs: 60_000,
  requestMs: 3_600_000,
  queueMs: 30_000,
};

const KEEP_ALIVE_MS = 15_000;
/** The longest that is slept at once; less than any idle limit. */
const PACE_MS = 500;

/** What the server is opened with. */
export interface ServerOptions {
  readonly host: string;
  readonly port: number;
  /** Absent: http without encryption. */
  readonly tls: TlsIdentity | undefined;
  readonly limits: ServerLimits;
  /** Bytes per second of all answers together; 0 for no limit. */
  readonly uploadRate: number;
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
  readonly #connections: Places;
  readonly #requests: Places;
  readonly #limiter: RateLimiter;

  private constructor(server: Server | TlsServer, options: ServerOptions) {
    this.#server = server;
    this.#options = options;
    const { dropped, limits } = options;
    this.#connections = new Places(limits.connections, limits.connectionsPerPeer);
    this.#requests = new Places(limits.requests, limits.requestsPerPeer);
    this.#limiter = new RateLimiter(options.uploadRate);
    // Before a handshake: that alone costs something.
    server.on("connection", (socket: Socket) => {
      const place = this.#connections.take(placeOf(socket.remoteAddress ?? ""));
      if (place) return void socket.once("close", () => place[Symbol.dispose]());
      dropped("http-connection-limit");
      socket.destroy();
    });
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
            cause.code === "EADDRINUSE" ? "port-in-use" : "cannot-listen",
            `can't listen on ${formatEndpoint({ host, port })}: ${cause.message}`,
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
    const peer = placeOf(request.socket.remoteAddress ?? "");
    const { signal, touch } = idle;
    const pace = (bytes: number) => this.#pace(bytes, signal, touch);
    const place = this.#requests.take(peer);
    try {
      if (!place) throw new Refusal(503, "too many requests at once", { "Retry-After": "10" });
      await answer({ request, response, signal, peer, touch, pace });
    } catch (error) {
      const isCut = (error as { code?: string }).code === "ECONNRESET"; // the client has hung up
      if (error instanceof Refusal) dropped(`http-${error.status}`);
      else if (isCut) dropped("cut-request");
      else if (!idle.signal.aborted) log(`can't answer a request: ${(error as Error).message}`);
      if (response.headersSent || idle.signal.aborted || isCut) response.destroy();
      else this.#refuse(request, response, error);
    } finally {
      place?.[Symbol.dispose]();
    }
  }

  async #pace(bytes: number, signal: AbortSignal, touch: () => void): Promise<void> {
    for (let wait = this.#limiter.take(bytes); wait > 0; wait -= PACE_MS) {
      await sleep(Math.min(wait, PACE_MS), signal);
      touch(); // the client can't help it
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
