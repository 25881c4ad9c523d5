/**
 * Requests to a router's web server: no redirects, no proxy, and only so many bytes.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { type IncomingMessage, request } from "node:http";
import { NetworkError } from "../../../common/errors.ts";
import { deadline } from "../../../common/wait.ts";

/** Descriptions of routers take up to 30 KB. */
const MAX_BYTES = 256 * 1024;
const REQUEST_MS = 4000;

/** What is sent. */
export interface PlainRequest {
  readonly url: URL;
  /** This computer's address to ask from. */
  readonly from: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** A POST with this body; without, it is a GET. */
  readonly body?: string;
}

/**
 * The status and text of an answer.
 *
 * @throws {NetworkError} "timed-out", "bad-router-answer" if it is too large, "unreachable"
 */
export async function plainHttp(
  { url, from, headers, body }: PlainRequest,
  signal: AbortSignal,
): Promise<{ readonly status: number; readonly text: string }> {
  using limit = deadline(REQUEST_MS, `the router at ${url.host}`, signal);
  const sent = request(url, {
    agent: false,
    localAddress: from,
    method: body === undefined ? "GET" : "POST",
    headers: {
      ...headers,
      connection: "close",
      ...(body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) }),
    },
  });
  const answer = Promise.withResolvers<{ status: number; text: string }>();
  const fail = (error: Error) => {
    answer.reject(
      limit.signal.aborted
        ? limit.signal.reason
        : error instanceof NetworkError
        ? error
        : new NetworkError("unreachable", `can't ask the router at ${url.host}: ${error.message}`),
    );
  };
  const abort = () => sent.destroy(limit.signal.reason);
  limit.signal.addEventListener("abort", abort, { once: true });
  sent.on("error", fail);
  sent.on("response", (response: IncomingMessage) => {
    const parts: Buffer[] = [];
    let size = 0;
    response.on("error", fail);
    response.on("close", () => fail(new Error("it hung up")));
    response.on("data", (part: Buffer) => {
      size += part.length;
      if (size <= MAX_BYTES) return parts.push(part);
      fail(new NetworkError("bad-router-answer", `the router at ${url.host} sends too much`));
      sent.destroy();
    });
    response.on("end", () => {
      answer.resolve({
        status: response.statusCode ?? 0,
        text: Buffer.concat(parts).toString("utf8"),
      });
    });
  });
  try {
    if (limit.signal.aborted) abort();
    sent.end(body);
    return await answer.promise;
  } finally {
    limit.signal.removeEventListener("abort", abort);
    sent.destroy();
  }
}
