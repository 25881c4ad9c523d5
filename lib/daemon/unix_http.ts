/**
 * HTTP over a UNIX socket. `fetch` can do that too, but loading it takes a helper half as long again
 * as all else that it does until it has asked gtd.
 *
 * @module
 */
import { ByteReader } from "../common/byte_reader.ts";
import { abortable } from "../common/wait.ts";

/** Bytes of a line of an answer's head. */
const MAX_LINE = 8192;

/** A request to gtd. */
export interface ControlRequest {
  /** "/v1/version" */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly signal: AbortSignal;
}

/** What it answers. The body has to be read to its end, or cancelled. */
export interface ControlAnswer {
  readonly status: number;
  readonly body: ReadableStream<Uint8Array>;
}

/**
 * Sends one request on a connection of its own, by HTTP/1.0 (RFC 1945): the body's end is the
 * connection's, so that no part of it has a length to be read first.
 *
 * @param socket the path of the socket
 * @throws {Deno.errors.NotFound} and other errors of the system if nobody listens or answers
 */
export async function sendOverUnix(
  socket: string,
  { path, headers, body, signal }: ControlRequest,
): Promise<ControlAnswer> {
  const connection = await Deno.connect({ transport: "unix", path: socket }); // or fails at once
  try {
    const bytes = new TextEncoder().encode(body);
    const fields = { ...headers, "content-length": bytes.length };
    const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
    const head = new TextEncoder().encode(`POST ${path} HTTP/1.0\r\n${lines.join("")}\r\n`);
    for (const part of [head, bytes]) {
      for (let at = 0; at < part.length;) {
        at += await abortable(connection.write(part.subarray(at)), signal);
      }
    }
    const reader = new ByteReader(connection.readable);
    const status = await abortable(readHead(reader), signal);
    return { status, body: reader.rest() };
  } catch (error) {
    try {
      connection.close();
    } catch { /* the body was at its end, which has closed it */ }
    throw error;
  }
}

/** Reads up to the body. */
async function readHead(reader: ByteReader): Promise<number> {
  const line = async () => new TextDecoder().decode(await reader.line(MAX_LINE)).trimEnd();
  const [, status] = /^HTTP\/1\.[01] (\d{3})\b/.exec(await line()) ?? [];
  if (status === undefined) throw new Error("the answer is not HTTP");
  while (await line() !== "");
  return Number(status);
}
