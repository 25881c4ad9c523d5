/**
 * Bodies of answers that end up in memory.
 *
 * @module
 */
import { VerificationError } from "../../common/errors.ts";
import { abortable } from "../../common/wait.ts";

/**
 * The whole of a body.
 *
 * @throws {VerificationError} "oversized-answer" where it is longer than `most` bytes
 */
export async function readBounded(
  body: ReadableStream<Uint8Array> | null,
  most: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  if (body === null) return new Uint8Array();
  const reader = body.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for (;;) {
      const { done, value } = await abortable(reader.read(), signal);
      if (done) break;
      length += value.length;
      if (length > most) {
        throw new VerificationError("oversized-answer", `the answer has more than ${most} bytes`);
      }
      chunks.push(value);
    }
  } catch (error) {
    reader.cancel().catch(() => {}); // the connection may be gone already
    throw error;
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}
