/**
 * Getting a small document from a web server.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { GtrError, NetworkError, VerificationError } from "../common/errors.ts";
import { abortable } from "../common/wait.ts";
import { documentUrl, MAX_DOCUMENT } from "./registry_document.ts";
import type { RegistryName } from "./registry_name.ts";

/** Asks a domain for its document about a name; {@linkcode askRegistry} is the real one. */
export type AskRegistry = (name: RegistryName, signal: AbortSignal) => Promise<Uint8Array>;

/**
 * Asks over https, port 443, for {@linkcode documentUrl}. The domain has to show a certificate of a
 * usual authority.
 *
 * @throws {NetworkError} "unreachable", "registry-refused"
 * @throws {VerificationError} "oversized-answer"
 */
export const askRegistry: AskRegistry = (name, signal) =>
  fetchDocument(documentUrl(name), MAX_DOCUMENT, signal);

/**
 * The whole of a document. A redirect is refused, as NIP-05 asks for: it could lead from a domain
 * that is trusted with the name to one that isn't.
 *
 * @param most bytes it may have, once decompressed; no more are read
 * @throws as {@linkcode askRegistry}
 */
export async function fetchDocument(
  url: string,
  most: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  signal.throwIfAborted();
  const { host } = new URL(url);
  // No connection is kept: a domain is asked once in an hour.
  using client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  try {
    const asked = fetch(url, {
      client,
      signal,
      redirect: "manual",
      headers: { "accept": "application/json", "user-agent": "gtr" },
    });
    const answer = await abortable(asked, signal);
    if (answer.status !== 200) {
      await answer.body?.cancel();
      const redirects = answer.status >= 300 && answer.status < 400;
      throw new NetworkError(
        "registry-refused",
        redirects
          ? `${host} redirects elsewhere, which is not followed`
          : `${host} answers with status ${answer.status}`,
      );
    }
    return await readWhole(answer, host, most, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof GtrError) throw error;
    throw new NetworkError("unreachable", `can't reach ${host}: ${reason(error as Error)}`, {
      cause: error,
    });
  }
}

async function readWhole(
  answer: Response,
  host: string,
  most: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = (answer.body ?? new Blob([]).stream()).getReader();
  try {
    while (true) {
      const { done, value } = await abortable(reader.read(), signal);
      if (done) return Buffer.concat(chunks);
      length += value.length;
      if (length > most) {
        throw new VerificationError("oversized-answer", `${host} sends more than ${most} bytes`);
      }
      chunks.push(value);
    }
  } finally {
    await reader.cancel().catch(() => {}); // it broke
  }
}

/** What Deno says of a failure, without what we know: the address in front. */
function reason(error: Error): string {
  const said = error.cause instanceof Error ? error.cause.message : error.message;
  return said.replace(/^error sending request for url \(.*?\): /, "");
}
