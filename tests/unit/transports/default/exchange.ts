/** A web server on loopback that answers each request as the test says. */
import { once } from "node:events";
import { createServer, type IncomingMessage, request as ask } from "node:http";
import type { AddressInfo } from "node:net";
import type { Exchange } from "../../../../lib/transports/default/reply.ts";
import { Buffer } from "node:buffer";

/** An answer, as a client sees it. */
export interface Answered {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** How a request is sent. */
export interface Asked {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Uint8Array;
}

/** What an answer did beside sending bytes. */
export interface Seen {
  /** Bytes that were to be paced, one by one. */
  readonly paced: number[];
  touched: number;
}

/**
 * Answers one request.
 *
 * @returns what the client got, undefined if the connection broke; and how `answer` ended
 */
export async function exchange(
  answer: (exchange: Exchange) => Promise<void> | void,
  { method = "GET", headers = {}, body }: Asked = {},
  signal = AbortSignal.timeout(60_000),
): Promise<{ got: Answered | undefined; seen: Seen; error: unknown }> {
  const seen: Seen = { paced: [], touched: 0 };
  const ended = Promise.withResolvers<unknown>();
  const server = createServer((request, response) => {
    const exchange: Exchange = {
      request,
      response,
      signal,
      peer: "127.0.0.1",
      touch: () => void seen.touched++,
      pace: async (bytes) => {
        await Promise.resolve();
        seen.paced.push(bytes);
      },
    };
    void (async () => {
      try {
        await answer(exchange);
        ended.resolve(response.writableFinished ? undefined : new Error("it hasn't ended"));
      } catch (error) {
        ended.resolve(error);
        response.destroy();
      }
    })();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    const { port } = server.address() as AddressInfo;
    const sent = ask({ host: "127.0.0.1", port, method, headers, agent: false });
    const got = (async () => {
      try {
        const [response] = await once(sent, "response") as [IncomingMessage];
        const chunks = await Array.fromAsync(response as AsyncIterable<Uint8Array>);
        const text = Buffer.concat(chunks).toString("latin1");
        return { status: response.statusCode!, headers: response.headers, body: text };
      } catch {
        return undefined;
      }
    })();
    sent.end(body);
    return { got: await got, seen, error: await ended.promise };
  } finally {
    server.closeAllConnections();
    server.close();
  }
}
