/**
 * Asking a server, once it has shown who it is.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { X509Certificate } from "node:crypto";
import { Agent, type IncomingMessage, request as httpRequest } from "node:http";
import { isIP } from "node:net";
import { connect, type TLSSocket } from "node:tls";
import { NetworkError, VerificationError } from "../../common/errors.ts";
import { lookupFrom } from "../../common/lookup.ts";
import { abortable } from "../../common/wait.ts";
import { certifiedKey, voucherOf } from "../../identity/certificate.ts";
import { publisherId } from "../../identity/keys.ts";
import { type Endpoint, formatEndpoint } from "./endpoint.ts";

/** Of an answer's headers. */
const MAX_HEADER_BYTES = 16 << 10;

/** What is asked of which server. */
export interface Question {
  readonly server: Endpoint;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Id or public key of the publisher: a server with this key needs no other certificate. */
  readonly publisher: string;
}

/** One request on a {@linkcode Connection}. */
export interface Asked {
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** A POST of these bytes; absent: a GET. */
  readonly body?: Uint8Array;
}

/** A connection to a server that has shown who it is; for one request after the other. */
export class Connection {
  readonly #server: Endpoint;
  readonly #socket: TLSSocket;
  readonly #agent: Agent;

  private constructor(server: Endpoint, socket: TLSSocket) {
    this.#server = server;
    this.#socket = socket;
    this.#agent = Object.assign(new Agent({ keepAlive: true, maxSockets: 1 }), {
      createConnection: () => socket,
    });
  }

  /**
   * Connects, and lets the server prove that it is the publisher's, its operator's, or the host's by
   * a certificate of a usual authority (RFC 9110, section 4.3.4). No byte is sent to any other.
   *
   * @throws {NetworkError} "unreachable"
   * @throws {VerificationError} "unknown-server"
   */
  static async open(
    to: Pick<Question, "server" | "publisher">,
    signal: AbortSignal,
  ): Promise<Connection> {
    return new Connection(to.server, await connectVerified(to, signal));
  }

  /**
   * Sends a request once the answer to the one before has been read.
   *
   * @returns the answer, its body unread: {@linkcode bodyOf}
   * @param signal its abort ends the connection
   * @throws {NetworkError} "unreachable" where the server hangs up
   */
  async ask({ path, headers, body }: Asked, signal: AbortSignal): Promise<IncomingMessage> {
    signal.throwIfAborted();
    const socket = this.#socket;
    const server = this.#server;
    if (socket.destroyed) throw unreachable(server, new Error("it hung up"));
    const end = () => socket.destroy();
    signal.addEventListener("abort", end, { once: true });
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      const hungUp = () => reject(unreachable(server, new Error("it hung up")));
      socket.once("close", hungUp);
      const request = httpRequest({
        agent: this.#agent,
        method: body ? "POST" : "GET",
        path,
        headers: {
          Host: formatEndpoint(server),
          ...headers,
          ...(body ? { "Content-Length": String(body.length) } : {}),
        },
        maxHeaderSize: MAX_HEADER_BYTES,
      });
      request.on("response", (answer) => {
        socket.off("close", hungUp);
        answer.once("close", () => signal.removeEventListener("abort", end));
        resolve(answer);
      });
      request.on("error", (cause) => reject(unreachable(server, cause)));
      request.end(body);
    });
    try {
      return await abortable(answered, signal);
    } catch (error) {
      signal.removeEventListener("abort", end);
      this.close();
      throw error;
    }
  }

  /** Calls back when the connection has ended, by whomever. */
  onClose(ended: () => void): void {
    if (this.#socket.destroyed) ended();
    else this.#socket.once("close", ended);
  }

  /** Ends it at once. */
  close(): void {
    this.#agent.destroy();
    this.#socket.destroy();
  }
}

/**
 * Sends a GET on a connection of its own, as {@linkcode Connection} does.
 *
 * @returns the answer, its body unread: {@linkcode bodyOf}; the signal's abort ends it
 * @throws {NetworkError} "unreachable"
 * @throws {VerificationError} "unknown-server"
 */
export async function get(question: Question, signal: AbortSignal): Promise<IncomingMessage> {
  const connection = await Connection.open(question, signal);
  const { path, headers } = question;
  const answer = await connection.ask(
    { path, headers: { Connection: "close", ...headers } },
    signal,
  );
  answer.once("close", () => connection.close());
  return answer;
}

/**
 * The bytes of an answer, as they come.
 *
 * @param signal the one that {@linkcode get} was given
 * @throws {NetworkError} "unreachable" where the server hangs up before the end
 */
export async function* bodyOf(
  answer: IncomingMessage,
  server: Endpoint,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of answer) yield chunk;
  } catch (error) {
    signal.throwIfAborted();
    throw unreachable(server, error as Error);
  }
  signal.throwIfAborted();
}

/**
 * The whole of a body.
 *
 * @throws {VerificationError} "oversized-answer"
 */
export async function readWhole(
  body: AsyncIterable<Uint8Array>,
  most: number,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > most) {
      throw new VerificationError("oversized-answer", `the server sends more than ${most} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The error for an answer without what was asked for. Its body is not read. */
export function refused(answer: IncomingMessage): NetworkError {
  answer.destroy();
  return new NetworkError("server-refused", `the server answers with status ${answer.statusCode}`);
}

async function connectVerified(
  { server, publisher }: Pick<Question, "server" | "publisher">,
  signal: AbortSignal,
): Promise<TLSSocket> {
  // First without asking an authority: keys say more, and no authority knows them.
  const socket = await handshake(server, false, signal);
  const certificate = socket.getPeerCertificate(true)?.raw;
  // Older versions of TLS sign less of the handshake.
  const key = socket.getProtocol() === "TLSv1.3" ? voucherOf(certificate) : undefined;
  const id = key && publisherId(Uint8Array.fromHex(key));
  const known = [publisher, server.operator];
  if (key !== undefined && (known.includes(key) || known.includes(id))) return socket;
  socket.destroy();
  try {
    return await handshake(server, true, signal);
  } catch (cause) {
    signal.throwIfAborted();
    throw new VerificationError(
      "unknown-server",
      `can't trust ${formatEndpoint(server)}: its certificate is not the publisher's, and ` +
        (olderVersion(certificate, known) ?? expiry(certificate) ?? (cause as Error).message),
      {
        hint: id
          ? `if you trust who runs it: gtr config default.servers ${id}@${formatEndpoint(server)}`
          : "check the address",
        cause,
      },
    );
  }
}

/** That it is of the publisher's own key, if it is: gtr no longer makes such. */
function olderVersion(
  certificate: Uint8Array | undefined,
  known: readonly (string | undefined)[],
): string | undefined {
  const key = certifiedKey(certificate);
  const isKnown = key &&
    (known.includes(key) || known.includes(publisherId(Uint8Array.fromHex(key))));
  return isKnown ? "it runs an older gtr: both need the same version" : undefined;
}

/** That it has expired, if it has: TLS says only that it can't verify such a certificate. */
function expiry(certificate: Uint8Array | undefined): string | undefined {
  try {
    const end = new Date(new X509Certificate(Buffer.from(certificate!)).validTo);
    return end.getTime() < Date.now()
      ? `it expired on ${end.toISOString().slice(0, 10)}`
      : undefined;
  } catch {
    return undefined; // it is none at all
  }
}

/** @param authority refuse what no certificate authority vouches for */
async function handshake(
  server: Endpoint,
  authority: boolean,
  signal: AbortSignal,
): Promise<TLSSocket> {
  signal.throwIfAborted();
  const { host, port, nearest } = server;
  const socket = connect({
    host,
    port,
    ...(nearest ? { lookup: lookupFrom(nearest) } : {}),
    ...(isIP(host) ? {} : { servername: host }), // addresses are no names (RFC 6066, section 3),
    ALPNProtocols: ["http/1.1"],
    rejectUnauthorized: authority,
  });
  const connected = new Promise<void>((resolve, reject) => {
    socket.once("secureConnect", resolve);
    socket.on("error", (cause) => reject(authority ? cause : unreachable(server, cause)));
    socket.once("close", () => reject(unreachable(server, new Error("it hung up"))));
  });
  try {
    await abortable(connected, signal);
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

function unreachable(server: Endpoint, cause: Error): NetworkError {
  return new NetworkError(
    "unreachable",
    `can't reach ${formatEndpoint(server)}: ${cause.message}`,
    { hint: "check the host and port, and that its gtd runs with default.listen", cause },
  );
}
