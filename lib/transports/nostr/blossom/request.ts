/**
 * One HTTP exchange with a Blossom server, its bodies streamed both ways.
 *
 * Over node:http, as `fetch` sends a stream without its length, which servers demand (BUD-02).
 *
 * @module
 */
import { type ClientRequest, type IncomingMessage, request as plainRequest } from "node:http";
import { request as tlsRequest } from "node:https";
import { NetworkError, RequestError, VerificationError } from "../../../common/errors.ts";
import { lookupFrom } from "../../../common/lookup.ts";
import { printableLine } from "../../../common/printable.ts";
import type { Reach } from "../../../common/reach.ts";
import { abortable } from "../../../common/wait.ts";

/** What is asked of a server. */
export interface BlossomRequest {
  readonly method: "GET" | "HEAD" | "PUT" | "POST";
  readonly url: string;
  /** What the name of a server that a stranger tells may lead to; unset where the user chose it. */
  readonly nearest?: Reach;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: AsyncIterable<Uint8Array>;
}

const MAX_REASON = 200;

/**
 * Sends a request; resolves when the answer's head is here. The answer is to be read with
 * {@linkcode answerBytes}, or to be destroyed.
 *
 * @throws {NetworkError} "unreachable"
 */
export async function exchange(
  { method, url, nearest, headers = {}, body }: BlossomRequest,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  signal.throwIfAborted();
  const send = url.startsWith("https:") ? tlsRequest : plainRequest;
  const lookup = nearest && lookupFrom(nearest);
  const request = send(url, { method, headers, agent: false, lookup });
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    request.once("response", resolve);
    request.on("error", (cause) => reject(unreachable(url, cause)));
    request.once("close", () => reject(unreachable(url, new Error("it hung up"))));
  });
  answered.catch(() => {}); // told below, unless the body fails first
  try {
    if (body === undefined) request.end();
    else await abortable(Promise.race([sendBody(request, body), answered]), signal);
    return await abortable(answered, signal);
  } catch (error) {
    request.destroy();
    signal.throwIfAborted();
    throw error;
  }
}

/**
 * The bytes of an answer, as they come.
 *
 * @throws {NetworkError} "unreachable" where the server hangs up before the end
 */
export async function* answerBytes(
  answer: IncomingMessage,
  url: string,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const end = () => answer.destroy(signal.reason);
  signal.addEventListener("abort", end);
  try {
    signal.throwIfAborted();
    for await (const chunk of answer) yield chunk;
  } catch (error) {
    signal.throwIfAborted();
    throw unreachable(url, error as Error);
  } finally {
    signal.removeEventListener("abort", end);
    answer.destroy();
  }
}

/**
 * The whole of an answer in JSON.
 *
 * @throws {VerificationError} "oversized-answer" or "bad-answer"
 */
export async function answerJson(
  answer: IncomingMessage,
  url: string,
  most: number,
  signal: AbortSignal,
): Promise<unknown> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const bytes of answerBytes(answer, url, signal)) {
    text += decoder.decode(bytes, { stream: true });
    if (text.length > most) {
      throw new VerificationError("oversized-answer", `${origin(url)} answers with too much`);
    }
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new VerificationError("bad-answer", `${origin(url)} answers with no JSON`, { cause });
  }
}

/** The error for an answer that says no. Its body is not read: the reason is in a header (BUD-01). */
export function refusal(answer: IncomingMessage, url: string): NetworkError | RequestError {
  answer.destroy();
  const { statusCode, headers } = answer;
  const said = printableLine(String(headers["x-reason"] ?? ""), MAX_REASON);
  const why = said === "" ? `status ${statusCode}` : `${said} (status ${statusCode})`;
  const message = `${origin(url)} refuses: ${why}`;
  switch (statusCode) {
    case 401:
    case 403:
      return new RequestError("not-allowed", message, {
        hint: "the server may take blobs only of those it knows; use another in nostr.blossom",
      });
    case 402:
      return new RequestError("payment-required", message, {
        hint: "pay the server's operator, or use another in nostr.blossom",
      });
    case 404:
    case 410:
      return new NetworkError("not-found", message);
    case 413:
      return new RequestError("blob-too-large", message, {
        hint: "use a server in nostr.blossom that takes larger blobs",
      });
    case 429:
      return new NetworkError("rate-limited", message);
    default:
      return new NetworkError("server-refused", message);
  }
}

async function sendBody(
  request: ClientRequest,
  body: AsyncIterable<Uint8Array>,
): Promise<void> {
  const closed = new Promise((resolve) => request.once("close", resolve));
  for await (const bytes of body) {
    if (request.destroyed) return; // its error is told by the answer that fails
    if (request.write(bytes)) continue;
    await Promise.race([closed, new Promise((resolve) => request.once("drain", resolve))]);
  }
  request.end();
}

/** What a person knows the server by. */
function origin(url: string): string {
  return new URL(url).origin;
}

function unreachable(url: string, cause: Error): NetworkError {
  return new NetworkError("unreachable", `can't reach ${origin(url)}: ${cause.message}`, {
    hint: "check the network and the setting nostr.blossom",
    cause,
  });
}
