/**
 * Answers of the server.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { once } from "node:events";
import { open } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { abortable } from "../../common/wait.ts";

/** Bytes of a file that are read at once. */
const CHUNK = 64 << 10;

/** A request as it is answered. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Aborts when the client has gone, or takes too long. */
  readonly signal: AbortSignal;
  /** Who asks, as `placeOf` counts. */
  readonly peer: string;
  /** Bytes have moved: the client gets more time. */
  readonly touch: () => void;
  /** Waits until so many bytes may be sent. */
  readonly pace: (bytes: number) => Promise<void>;
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

/** What {@linkcode sendFile} sends. */
export interface SentFile {
  readonly path: string;
  /** Bytes of the file. */
  readonly size: number;
  readonly etag: string;
  /** What is sent before the file, as if it were its beginning. */
  readonly head?: Uint8Array;
}

/**
 * Sends a file or the part of it that is asked for (RFC 9110, section 14).
 *
 * @throws {Refusal} 404 where the file is gone, 416 where it has no such part
 */
export async function sendFile(exchange: Exchange, file: SentFile): Promise<void> {
  const { request, response, signal } = exchange;
  const head = file.head ?? new Uint8Array();
  const length = head.length + file.size;
  if (isUnchanged(exchange, file.etag, IMMUTABLE)) return;
  const { "range": asked, "if-range": condition } = request.headers;
  const usable = condition === undefined || condition === file.etag;
  const range = usable && asked !== undefined ? parseRange(asked, length) : undefined;
  if (range === "unsatisfiable") {
    throw new Refusal(416, "the file is shorter", { "Content-Range": `bytes */${length}` });
  }
  const { first, last } = range ?? { first: 0, last: length - 1 };
  // Opened before it is promised: packs that were replaced are removed some day.
  await using handle = await open(file.path).catch(() => undefined);
  if (!handle) throw new Refusal(404, "the file is no longer here");
  response.writeHead(range ? 206 : 200, {
    "Content-Type": "application/octet-stream",
    "Content-Length": last - first + 1,
    "Accept-Ranges": "bytes",
    "Cache-Control": IMMUTABLE,
    "ETag": file.etag,
    ...(range ? { "Content-Range": `bytes ${first}-${last}/${length}` } : {}),
  });
  if (request.method === "HEAD") return await end(exchange);
  if (first < head.length) await write(exchange, head.subarray(first, last + 1));
  const buffer = new Uint8Array(CHUNK);
  for (let at = Math.max(first, head.length); at <= last;) {
    signal.throwIfAborted();
    const wanted = Math.min(CHUNK, last + 1 - at);
    const { bytesRead } = await handle.read(buffer, 0, wanted, at - head.length);
    if (bytesRead === 0) throw new Error(`${file.path} is shorter than it was`);
    at += bytesRead;
    await write(exchange, buffer.slice(0, bytesRead));
  }
  await end(exchange);
}

/** Sends the next bytes, as fast as the client takes them. */
export async function write(
  { response, signal, touch, pace }: Exchange,
  chunk: Uint8Array,
): Promise<void> {
  signal.throwIfAborted();
  await pace(chunk.length);
  if (!response.write(chunk)) await once(response, "drain", { signal });
  touch();
}

/**
 * Sends the last bytes and waits until they have gone. A client that knows the length sends its next
 * request as soon as it has them, and that would get lost if the answer had not ended by then.
 */
export async function end(
  { response, signal, pace }: Exchange,
  chunk?: Uint8Array,
): Promise<void> {
  signal.throwIfAborted();
  if (chunk) await pace(chunk.length);
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
