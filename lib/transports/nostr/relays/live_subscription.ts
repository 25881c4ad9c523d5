/**
 * A subscription that outlives its connections.
 *
 * @module
 */
import { abortable, deadline, sleep } from "../../../common/wait.ts";
import type { RelayConnection } from "./connection.ts";
import type { Filter } from "./filter.ts";

const MAX_PAUSE_MS = 60_000;
/** An id that no event has: a relay has nothing to send but EOSE. */
const NO_EVENT = "0".repeat(64);
const MAX_BAD = 50;

/** What a live subscription is made of. */
export interface LiveOptions {
  readonly connect: (signal: AbortSignal) => Promise<RelayConnection>;
  readonly filters: readonly Filter[];
  /** Takes what the relay sends; false where it should not have. */
  readonly event: (value: unknown) => boolean;
  /** Milliseconds before the first try to reconnect; twice as long before each further one. */
  readonly pause: number;
  /** Connections die without a word: milliseconds after which the relay is asked for a sign of life. */
  readonly silence: number;
  /** Milliseconds that a sign of life may take. */
  readonly answer: number;
  readonly signal: AbortSignal;
}

/** Keeps one relay subscribed until disposed, with pauses that grow while it can't be reached. */
export class LiveSubscription implements Disposable {
  readonly #end = new AbortController();
  #listening = Promise.withResolvers<void>();

  constructor(options: LiveOptions) {
    const signal = AbortSignal.any([options.signal, this.#end.signal]);
    this.#keep(options, signal).catch(() => {}); // it ends only by the signal
  }

  [Symbol.dispose](): void {
    this.#end.abort(new DOMException("the subscription is over", "AbortError"));
  }

  /**
   * Resolves once the relay has answered the subscription (EOSE): from then on it passes on what
   * others send. An ephemeral event (NIP-01) that came before is lost.
   */
  listening(signal: AbortSignal): Promise<void> {
    return abortable(this.#listening.promise, AbortSignal.any([signal, this.#end.signal]));
  }

  async #keep(options: LiveOptions, signal: AbortSignal): Promise<void> {
    let pause = options.pause;
    for (;;) {
      const connection = await options.connect(signal).catch(() => undefined);
      signal.throwIfAborted();
      const since = performance.now();
      if (connection !== undefined) {
        let answered = false;
        const stored = () => {
          answered = true;
          this.#listening.resolve();
        };
        await listen(connection, { ...options, stored }, signal);
        if (answered) this.#listening = Promise.withResolvers();
      }
      // One that answers and hangs up at once is not asked without end either.
      if (performance.now() - since > MAX_PAUSE_MS) pause = options.pause;
      signal.throwIfAborted();
      // Not all at once: a relay that comes back has many clients.
      await sleep(pause * (0.5 + Math.random() / 2), signal);
      pause = Math.min(2 * pause, MAX_PAUSE_MS);
    }
  }
}

/** Listens until the connection or the subscription ends. */
async function listen(
  connection: RelayConnection,
  options: LiveOptions & { readonly stored: () => void },
  signal: AbortSignal,
): Promise<void> {
  const ended = Promise.withResolvers<void>();
  let bad = 0;
  let heard = performance.now();
  const subscription = connection.subscribe(options.filters, {
    event: (value) => {
      heard = performance.now();
      if (!options.event(value) && ++bad > MAX_BAD) ended.resolve();
    },
    stored: () => {
      heard = performance.now();
      options.stored();
    },
    ended: () => ended.resolve(),
  });
  const pulse = setInterval(async () => {
    if (performance.now() - heard < options.silence) return;
    if (await isAlive(connection, options.answer, signal)) heard = performance.now();
    else if (!signal.aborted) connection.close();
  }, options.silence / 2);
  const end = () => ended.resolve();
  signal.addEventListener("abort", end, { once: true });
  try {
    await ended.promise;
  } finally {
    signal.removeEventListener("abort", end); // it outlives many connections
    clearInterval(pulse);
    subscription[Symbol.dispose]();
  }
}

/** Whether the relay answers anything at all. */
async function isAlive(
  connection: RelayConnection,
  ms: number,
  parent: AbortSignal,
): Promise<boolean> {
  using limit = deadline(ms, `${connection.url} to show that it lives`, parent);
  const answer = Promise.withResolvers<boolean>();
  limit.signal.addEventListener("abort", () => answer.resolve(false), { once: true });
  using _ = connection.subscribe([{ ids: [NO_EVENT], limit: 1 }], {
    event: () => {},
    stored: () => answer.resolve(true),
    ended: (why) => answer.resolve(why.code !== "unreachable"),
  });
  return await answer.promise;
}
