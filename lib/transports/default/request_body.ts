/**
 * The body of a request: bounded, and inflated where it comes compressed.
 *
 * @module
 */
import type { IncomingMessage } from "node:http";
import { pipeline, type Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { Refusal } from "./reply.ts";

/** What git's own server takes (`GIT_HTTP_MAX_REQUEST_BUFFER`). */
export const MAX_BODY_BYTES = 10 << 20;

/**
 * The bytes that the client means. git compresses a body of more than 1 KiB.
 *
 * @throws {Refusal} 413 as soon as there are too many, 400 for a broken gzip, 415 for other codings
 */
export async function* requestBody(
  request: IncomingMessage,
  most = MAX_BODY_BYTES,
): AsyncGenerator<Uint8Array> {
  const coding = (request.headers["content-encoding"] ?? "identity").toLowerCase();
  if (!["identity", "gzip", "x-gzip"].includes(coding)) {
    throw new Refusal(
      415,
      `can't read a body in '${coding.slice(0, 20)}': send it as it is, or gzip`,
    );
  }
  let sent = 0;
  const counted = async function* () {
    for await (const chunk of request) {
      sent += chunk.length;
      if (sent > most) throw tooLarge(most);
      yield chunk as Uint8Array;
    }
  };
  if (coding === "identity") {
    yield* counted();
    return;
  }
  const inflated = pipeline(counted, createGunzip(), () => {}) as unknown as Readable;
  let length = 0;
  try {
    for await (const chunk of inflated) {
      length += chunk.length;
      if (length > most) throw tooLarge(most);
      yield chunk;
    }
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new Refusal(400, "can't read the body: it is not the gzip that was said");
  }
}

function tooLarge(most: number): Refusal {
  return new Refusal(413, `can't take a body of more than ${most} bytes`);
}
