/**
 * How long a message on a Noise stream may be. secret-stream collects each as a whole before anybody
 * sees that a peer sends nonsense, and takes memory for up to 16 MiB as soon as one is announced.
 *
 * @module
 */
import { VerificationError } from "../../common/errors.ts";
import type { NoiseStream } from "../../types/hyperdht.d.ts";

/** Bytes of one message. */
export const MAX_MESSAGE = 64 * 1024;
/** What encryption adds to it. */
const TAG = 17;
/** Each is preceded by its length, little endian. */
const LENGTH_BYTES = 3;

/**
 * Ends the stream, with a {@linkcode VerificationError} "long-message", where its peer announces a
 * longer one. To be called before the stream is open.
 */
export function limitMessages(stream: NoiseStream): void {
  // secret-stream listens by then; but nothing has come yet.
  stream.once("connect", () => {
    const check = messageCheck();
    stream.rawStream?.prependListener("data", (chunk) => {
      if (check(chunk) || stream.destroying) return;
      const why = `a peer announces a message of more than ${MAX_MESSAGE} bytes`;
      stream.destroy(new VerificationError("long-message", `can't talk to a peer: ${why}`));
    });
  });
}

/** Follows the messages' lengths in what comes; false from the first on that is too long. */
export function messageCheck(): (chunk: Uint8Array) => boolean {
  let length = 0;
  let lengthBytes = 0;
  let left = 0;
  let isShort = true;
  return (chunk) => {
    for (let at = 0; isShort && at < chunk.length;) {
      if (left > 0) {
        const part = Math.min(left, chunk.length - at);
        left -= part;
        at += part;
        continue;
      }
      length += chunk[at++]! << (8 * lengthBytes++);
      if (lengthBytes < LENGTH_BYTES) continue;
      isShort = length <= MAX_MESSAGE + TAG;
      left = length;
      length = lengthBytes = 0;
    }
    return isShort;
  };
}
