/**
 * Getting blobs from Blossom servers (BUD-01).
 *
 * @module
 */
import type { IncomingMessage } from "node:http";
import { open, stat } from "node:fs/promises";
import { storeError } from "../../../common/atomic_file.ts";
import { NetworkError, VerificationError } from "../../../common/errors.ts";
import type { Reach } from "../../../common/reach.ts";
import { deadline, idleDeadline, type Wait } from "../../../common/wait.ts";
import { nearestBehind } from "../may_ask.ts";
import { isInside, webUrl } from "../urls.ts";
import { answerBytes, type BlossomRequest, exchange, refusal } from "./request.ts";

/** Milliseconds that {@linkcode LEAST} bytes may take. */
const IDLE_MS = 20_000;
/** Fewer don't count as a sign of life: a server that drips would else be waited for without end. */
const LEAST = 64 * 1024;
/** Of the whole blob, one part in so many has to come in that time where there is a choice. */
const PARTS = 8;
const ANSWER_MS = 10_000;
const MAX_REDIRECTS = 3;

/** How a blob is downloaded. */
export interface DownloadOptions {
  /** Milliseconds that the answer, and then each 64 KiB of it, may take. */
  readonly timeout?: number;
  /** In that time an eighth of the blob has to come: there are others that could send it. */
  readonly hurry?: boolean;
  /** What the server's name may lead to, where a stranger told it. */
  readonly nearest?: Reach;
}

/**
 * Downloads a blob of a known size into the file `into`, after what is there already; where the server
 * can't send a part, from the start. The bytes are not checked but for their number: the caller
 * compares the SHA-256, and removes the file where it is another. Progress is in bytes.
 *
 * @throws {NetworkError} "unreachable", "nobody-answered", "not-found", "rate-limited" or
 * "server-refused"; what has come so far stays in the file
 * @throws {VerificationError} "wrong-size" or "wrong-range"
 */
export async function downloadBlob(
  url: string,
  size: number,
  into: string,
  wait: Wait,
  { timeout = IDLE_MS, hurry, nearest }: DownloadOptions = {},
): Promise<void> {
  const there = (await stat(into).catch(() => undefined))?.size ?? 0;
  let done = there > size ? 0 : there;
  wait.progress?.(done, size, "Downloading");
  if (done === size) return;
  const headers = done > 0 ? { Range: `bytes=${done}-` } : undefined;
  const what = `a blob from ${new URL(url).origin}`;
  const request = { method: "GET", url, nearest, headers } as const;
  const answer = await answered(request, timeout, what, wait.signal);
  if (answer.statusCode === 200) done = 0; // all of it, whatever was asked for
  checkRange(answer, url, done, size);
  await using file = await open(into, done > 0 ? "a" : "w").catch((error) => {
    answer.destroy();
    throw storeError(`can't write ${into}`, error);
  });
  using idle = idleDeadline(timeout, what, wait.signal);
  const isAlive = signsOfLife(done, size, hurry);
  for await (const bytes of answerBytes(answer, url, idle.signal)) {
    if (done + bytes.length > size) throw wrongSize(url, `more than ${size}`);
    await file.appendFile(bytes).catch((error) => {
      throw storeError(`can't write ${into}`, error);
    });
    done += bytes.length;
    if (isAlive(done)) idle.touch();
    wait.progress?.(done, size, "Downloading");
  }
  if (done < size) {
    throw new NetworkError("unreachable", `${new URL(url).origin} hung up in the middle`);
  }
}

/**
 * Whether a server lives that has sent so many bytes by now: it does each time that 64 KiB more have
 * come, in a hurry an eighth of the blob, if that is more.
 *
 * @param done bytes that are there at the start
 */
export function signsOfLife(
  done: number,
  size: number,
  hurry?: boolean,
): (done: number) => boolean {
  const least = hurry ? Math.max(LEAST, size / PARTS) : LEAST;
  let next = done + least;
  return (done) => {
    if (done < next) return false;
    next = done + least;
    return true;
  };
}

/**
 * How many bytes the blob at `url` has, or undefined where the server doesn't have it.
 *
 * @param nearest what the server's name may lead to, where a stranger told it
 * @throws {NetworkError} where the server says neither
 */
export async function sizeOfBlob(
  url: string,
  signal: AbortSignal,
  nearest?: Reach,
): Promise<number | undefined> {
  using limit = deadline(ANSWER_MS, `${new URL(url).origin} to say whether it has a blob`, signal);
  const answer = await follow({ method: "HEAD", url, nearest }, limit.signal);
  answer.destroy(); // its head is all
  if (answer.statusCode === 404 || answer.statusCode === 410) return undefined;
  if (answer.statusCode !== 200) throw refusal(answer, url);
  return contentLength(answer);
}

/**
 * Where a redirect leads, and what that name may lead to: it is a stranger to the user. Undefined where
 * it isn't followed, as from a public server into this network.
 */
export function redirectTarget(
  from: string,
  location: string,
): Pick<BlossomRequest, "url" | "nearest"> | undefined {
  const url = URL.canParse(location, from) ? webUrl(new URL(location, from).href) : undefined;
  if (url === undefined || (isInside(url) && !isInside(from))) return undefined;
  return { url, nearest: nearestBehind(url, []) };
}

/** The head of an answer, in so many milliseconds. */
async function answered(
  request: BlossomRequest,
  timeout: number,
  what: string,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  using idle = idleDeadline(timeout, what, signal);
  return await follow(request, idle.signal);
}

/** An exchange that follows redirects (BUD-01). */
async function follow(
  { url, nearest, ...request }: BlossomRequest,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  let target: Pick<BlossomRequest, "url" | "nearest"> = { url, nearest };
  for (let hops = 0;; hops++) {
    const answer = await exchange({ ...request, ...target }, signal);
    const { statusCode, headers: { location } } = answer;
    if (![301, 302, 303, 307, 308].includes(statusCode!) || location === undefined) return answer;
    answer.destroy();
    const next = redirectTarget(target.url, location);
    if (next === undefined || hops === MAX_REDIRECTS) {
      throw new NetworkError("server-refused", `${new URL(url).origin} sends on to nowhere`);
    }
    target = next;
  }
}

function checkRange(answer: IncomingMessage, url: string, from: number, size: number): void {
  const { statusCode, headers } = answer;
  if (statusCode === 206) {
    if (headers["content-range"] === `bytes ${from}-${size - 1}/${size}`) return;
    answer.destroy();
    throw new VerificationError("wrong-range", `${new URL(url).origin} sends another part`);
  }
  if (statusCode !== 200) throw refusal(answer, url);
  const length = contentLength(answer);
  if (length !== undefined && length !== size) {
    answer.destroy();
    throw wrongSize(url, String(length));
  }
}

function contentLength({ headers }: IncomingMessage): number | undefined {
  const length = headers["content-length"];
  return length === undefined ? undefined : Number(length);
}

function wrongSize(url: string, has: string): VerificationError {
  return new VerificationError("wrong-size", `${new URL(url).origin} has ${has} bytes of the blob`);
}
