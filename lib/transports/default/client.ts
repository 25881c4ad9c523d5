/**
 * Asking a server, once it has shown who it is.
 *
 * @module
 */
import { type IncomingMessage, request as httpRequest } from "node:http";
import { isIPv4 } from "node:net";
import { connect, type TLSSocket } from "node:tls";
import { NetworkError, VerificationError } from "../../common/errors.ts";
import { abortable } from "../../common/wait.ts";
import { certifiedKey } from "../../identity/certificate.ts";
import { publisherId } from "../../identity/keys.ts";
import { type Endpoint, formatEndpoint } from "./endpoint.ts";

/** What is asked of which server. */
export interface Question {
  readonly server: Endpoint;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Id or public key of the publisher: a server with this key needs no other certificate. */
  readonly publisher: string;
}

/**
 * Sends a GET, after the server has proved that it is the publisher's, its operator's, or the host's
 * by a certificate of a usual authority (RFC 9110, section 4.3.4). No byte is sent to any other.
 *
 * @returns the answer, its body unread; the signal's abort ends it
 * @throws {NetworkError} "unreachable"
 * @throws {VerificationError} "unknown-server"
 */
export async function get(question: Question, signal: AbortSignal): Promise<IncomingMessage> {
  const socket = await connectVerified(question, signal);
  const { server, path, headers } = question;
  const end = () => socket.destroy();
  signal.addEventListener("abort", end, { once: true });
  socket.on("close", () => signal.removeEventListener("abort", end));
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    const request = httpRequest({
      createConnection: () => socket,
      path,
      headers: { Host: formatEndpoint(server), Connection: "close", ...headers },
    });
    request.on("response", resolve);
    request.on("error", (cause) => reject(unreachable(server, cause)));
    socket.on("close", () => reject(unreachable(server, new Error("it hung up"))));
    request.end();
  });
  try {
    return await abortable(answered, signal);
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

async function connectVerified(
  { server, publisher }: Question,
  signal: AbortSignal,
): Promise<TLSSocket> {
  // First without asking an authority: keys say more, and no authority knows them.
  const socket = await handshake(server, false, signal);
  const key = certifiedKey(socket.getPeerCertificate(true)?.raw);
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
        (cause as Error).message,
      {
        hint: id
          ? `if you trust who runs it: gtr config default.servers ${id}@${formatEndpoint(server)}`
          : "check the address",
        cause,
      },
    );
  }
}

/** @param authority refuse what no certificate authority vouches for */
async function handshake(
  server: Endpoint,
  authority: boolean,
  signal: AbortSignal,
): Promise<TLSSocket> {
  signal.throwIfAborted();
  const { host, port } = server;
  const socket = connect({
    host,
    port,
    ...(isIPv4(host) ? {} : { servername: host }),
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
