/**
 * One question to a router over UDP, asked again until it answers.
 *
 * @module
 */
import { createSocket } from "node:dgram";
import { isIPv6 } from "node:net";
import { NetworkError } from "../../../common/errors.ts";

/** Messages that are no answer, after which it is given up. */
const MAX_BAD = 32;

/** What is asked, and how an answer is read. */
export interface Question<T> {
  readonly to: { readonly host: string; readonly port: number };
  /** This computer's address to ask from. */
  readonly from: string;
  readonly message: Uint8Array;
  /** How long each attempt waits, in milliseconds. */
  readonly triesMs: readonly number[];
  /** Undefined if it is not the answer. */
  readonly read: (answer: Uint8Array) => T | undefined;
  readonly dropped: (reason: string) => void;
}

/**
 * Asks, and waits for the answer from the address that was asked.
 *
 * @throws {NetworkError} "timed-out" if there is none
 */
export async function exchange<T>(question: Question<T>, signal: AbortSignal): Promise<T> {
  const { to, from, message, triesMs, read, dropped } = question;
  signal.throwIfAborted();
  const socket = createSocket(isIPv6(from) ? "udp6" : "udp4");
  const answer = Promise.withResolvers<T>();
  const silent = () =>
    answer.reject(new NetworkError("timed-out", `the router at ${to.host} doesn't answer`));
  let bad = 0;
  socket.on("error", silent); // the network has gone, or the address is no longer ours
  socket.on("message", (received, { address, port }) => {
    const isFromRouter = withoutScope(address) === withoutScope(to.host) && port === to.port;
    const value = isFromRouter ? read(received) : undefined;
    if (value !== undefined) return answer.resolve(value);
    dropped(isFromRouter ? "bad-router-answer" : "strangers-router-answer");
    if (++bad >= MAX_BAD) silent();
  });
  let timer: ReturnType<typeof setTimeout> | undefined;
  const ask = (attempt: number) => {
    const waitMs = triesMs[attempt];
    if (waitMs === undefined) return silent();
    socket.send(message, to.port, to.host, (error) => error && silent());
    timer = setTimeout(() => ask(attempt + 1), waitMs);
  };
  const abort = () => answer.reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    socket.bind(0, from, () => ask(0));
    return await answer.promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
    socket.close();
  }
}

/** "fe80::1" of "fe80::1%eth0". */
export function withoutScope(host: string): string {
  return host.split("%", 1)[0]!;
}
