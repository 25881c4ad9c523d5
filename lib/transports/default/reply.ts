/**
 * Answers of the server.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { once } from "node:events";
import { createReadStream } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { abortable } from "../../common/wait.ts";

/** A request as it is answered. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Aborts when the client has gone, or takes too long. */
  readonly signal: AbortSignal;
  /** Bytes have moved: the client gets more time. */
  readonly touch: () => void;
}

/** A request that can't be answered, with the status to say so. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly headers: Record<string, string> = {},
  ) {
    super(message);
  }
}

/** What never changes may be kept for good; what may has to be asked for again. */
export const IMMUTABLE = "public, max-age=31536000, immutable";
export const NO_CACHE = "no-cache, max-age=0, must-revalidate";

/** Sends a short text. */
export function sendText(
  { request, response }: Pick<Exchange, "request" | "response">,
  status: number,
  text: string,
  headers: Record<string, string> = {},
): void {
  const body = `${text}\n`;
  response.writeHead(status, {
    "Content-Type": "text/plain; charset=utf-8",
    "Content-Length": Buffer.byteLength(body),
    ...headers,
  });
  response.end(request.method === "HEAD" ? undefined : body);
}

/** Sends bytes, or says that the client has them already. */
export async function sendBytes(
  exchange: Exchange,
  bytes: Uint8Array,
  headers: { readonly type: string; readonly etag: string; readonly cache: string },
): Promise<void> {
  const { request, response } = exchange;
  if (isUnchanged(exchange, headers.etag, headers.cache)) return;
  response.writeHead(200, {
    "Content-Type": headers.type,
    "Content-Length": bytes.length,
    "Cache-Control": headers.cache,
    "ETag": headers.etag,
  });
  await end(exchange, request.method === "HEAD" ? undefined : bytes);
}

/** Sends a file or the part of it that is asked for (RFC 9110, section 14). */
export async function sendFile(
  exchange: Exchange,
  file: { readonly path: string; readonly size: number; readonly etag: string },
): Promise<void> {
  const { request, response, signal } = exchange;
  if (isUnchanged(exchange, file.etag, IMMUTABLE)) return;
  const { "range": asked, "if-range": condition } = request.headers;
  const usable = condition === undefined || condition === file.etag;
  const range = usable && asked !== undefined ? parseRange(asked, file.size) : undefined;
  if (range === "unsatisfiable") {
    throw new Refusal(416, "the file is shorter", { "Content-Range": `bytes */${file.size}` });
  }
  const { first, last } = range ?? { first: 0, last: file.size - 1 };
  response.writeHead(range ? 206 : 200, {
    "Content-Type": "application/octet-stream",
    "Content-Length": last - first + 1,
    "Accept-Ranges": "bytes",
    "Cache-Control": IMMUTABLE,
    "ETag": file.etag,
    ...(range ? { "Content-Range": `bytes ${first}-${last}/${file.size}` } : {}),
  });
  if (request.method === "HEAD" || last < first) return await end(exchange);
  let left = last - first + 1;
  for await (const chunk of createReadStream(file.path, { start: first, end: last, signal })) {
    left -= chunk.length;
    if (left === 0) return await end(exchange, chunk);
    await write(exchange, chunk);
  }
  throw new Error(`${file.path} is shorter than it was`);
}

/** Sends the next bytes, as fast as the client takes them. */
export async function write(
  { response, signal, touch }: Exchange,
  chunk: Uint8Array,
): Promise<void> {
  signal.throwIfAborted();
  if (!response.write(chunk)) await once(response, "drain", { signal });
  touch();
}

/**
 * Sends the last bytes and waits until they have gone. A client that knows the length sends its next
 * request as soon as it has them, and that would get lost if the answer had not ended by then.
 */
export async function end({ response, signal }: Exchange, chunk?: Uint8Array): Promise<void> {
  signal.throwIfAborted();
  await abortable(new Promise<void>((resolve) => response.end(chunk, () => resolve())), signal);
}

function isUnchanged({ request, response }: Exchange, etag: string, cache: string): boolean {
  if (request.headers["if-none-match"] !== etag) return false;
  response.writeHead(304, { "ETag": etag, "Cache-Control": cache });
  response.end();
  return true;
}

/** One range; several at once, and what is no range, are answered with the whole (RFC 9110, 14.2). */
function parseRange(
  text: string,
  size: number,
): { first: number; last: number } | "unsatisfiable" | undefined {
  const [, from, to] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(text) ?? [];
  if (from === undefined || to === undefined || (from === "" && to === "")) return undefined;
  if (from === "") {
    const length = Math.min(Number(to), size);
    return length === 0 ? "unsatisfiable" : { first: size - length, last: size - 1 };
  }
  const first = Number(from);
  const last = to === "" ? size - 1 : Math.min(Number(to), size - 1);
  if (to !== "" && Number(to) < first) return undefined;
  return first >= size ? "unsatisfiable" : { first, last };
}
