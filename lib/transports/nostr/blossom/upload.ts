/**
 * Putting blobs on Blossom servers (BUD-02, BUD-04, BUD-06).
 *
 * @module
 */
import { createReadStream } from "node:fs";
import { type NetworkError, RequestError, VerificationError } from "../../../common/errors.ts";
import { deadline, idleDeadline, type Wait } from "../../../common/wait.ts";
import type { NostrSigner } from "../events/signer.ts";
import { authorizationHeader, uploadAuthorization } from "./authorization.ts";
import { answerJson, exchange, refusal } from "./request.ts";

/** A file that becomes a blob. */
export interface BlobFile {
  readonly path: string;
  /** SHA-256 of the file, 64 hex digits: known before, as the authorization is for it. */
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
  /** Media type. */
  readonly type: string;
  /** If it is a pack: how many objects it has. */
  readonly objects?: number;
}

/** Milliseconds without a byte, or for the answer after the last. */
const IDLE_MS = 30_000;
/** Milliseconds that a server may take to copy a blob. */
const COPY_MS = 120_000;
const MAX_DESCRIPTOR = 64 * 1024;
const CHUNK = 256 * 1024;

/**
 * Uploads a file, straight from the disk. Progress is in bytes.
 *
 * @param server its origin
 * @returns where the blob is now
 * @throws {NetworkError} "unreachable", "nobody-answered", "rate-limited" or "server-refused"
 * @throws {RequestError} "not-allowed", "payment-required" or "blob-too-large"
 */
export async function uploadBlob(
  server: string,
  file: BlobFile,
  signer: NostrSigner,
  wait: Wait,
): Promise<string> {
  using idle = idleDeadline(IDLE_MS, `${server} to take a blob`, wait.signal);
  const url = `${server}/upload`;
  const headers = {
    ...await authorize(server, file.sha256, signer, idle.signal),
    "Content-Type": file.type,
    "Content-Length": String(file.size),
    "X-SHA-256": file.sha256,
  };
  const body = readFile(file, (sent) => {
    idle.touch();
    wait.progress?.(sent, file.size, "Uploading");
  });
  const answer = await exchange({ method: "PUT", url, headers, body }, idle.signal);
  if (!isStored(answer.statusCode)) throw withAdvice(refusal(answer, url), file);
  const told = await answerJson(answer, url, MAX_DESCRIPTOR, idle.signal);
  return storedAt(server, file.sha256, told);
}

/**
 * Has a server fetch a blob from another one (BUD-04).
 *
 * @param source URL of the blob
 * @returns where the copy is
 * @throws what {@linkcode uploadBlob} throws, and {NetworkError} "timed-out"
 */
export async function mirrorBlob(
  server: string,
  source: string,
  sha256: string,
  signer: NostrSigner,
  wait: Wait,
): Promise<string> {
  using limit = deadline(COPY_MS, `${server} to copy a blob`, wait.signal);
  const url = `${server}/mirror`;
  const body = new TextEncoder().encode(JSON.stringify({ url: source }));
  const headers = {
    ...await authorize(server, sha256, signer, limit.signal),
    "Content-Type": "application/json",
    "Content-Length": String(body.length),
  };
  const request = { method: "PUT" as const, url, headers, body: once(body) };
  const answer = await exchange(request, limit.signal);
  if (!isStored(answer.statusCode)) throw refusal(answer, url);
  return storedAt(server, sha256, await answerJson(answer, url, MAX_DESCRIPTOR, limit.signal));
}

async function authorize(
  server: string,
  sha256: string,
  signer: NostrSigner,
  signal: AbortSignal,
): Promise<Record<string, string>> {
  const now = Math.floor(Date.now() / 1000);
  const event = await signer.sign(uploadAuthorization(sha256, server, now), signal);
  return { Authorization: authorizationHeader(event) };
}

/** The file's bytes, exactly as many as it is said to have: the length is promised already. */
async function* readFile(
  { path, size }: BlobFile,
  sent: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  let done = 0;
  for await (const bytes of createReadStream(path, { highWaterMark: CHUNK })) {
    done += bytes.length;
    if (done > size) break;
    yield bytes;
    sent(done);
  }
  if (done !== size) {
    throw new VerificationError("changed-file", `can't upload ${path}: its size changed`);
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** What to do about a pack that is too large: it can be split, unless it is one object. */
function withAdvice(
  error: NetworkError | RequestError,
  { objects }: BlobFile,
): NetworkError | RequestError {
  const { code, message } = error;
  if (code !== "blob-too-large" || objects === undefined) return error;
  if (objects > 1) {
    return new RequestError(code, message, {
      hint: "gtr config nostr.maxBlob <less>, and start gtd anew: packs are split to fit",
      cause: error,
    });
  }
  return new RequestError(code, `${message}; it is a single object, which can't be split`, {
    hint: "use a server in nostr.blossom that takes larger blobs; other networks have it",
    cause: error,
  });
}

function isStored(status: number | undefined): boolean {
  return status === 200 || status === 201 || status === 202;
}

/**
 * Where the blob is: at the server that was asked (BUD-01), whatever URL it tells. One that says it
 * stored another blob has not stored this one.
 */
function storedAt(server: string, sha256: string, told: unknown): string {
  const stored = (told as { sha256?: unknown } | null)?.sha256;
  if (stored !== sha256) {
    throw new VerificationError("wrong-blob", `${server} says that it stored another blob`);
  }
  return `${server}/${sha256}`;
}
