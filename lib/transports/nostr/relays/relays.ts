/**
 * Several relays at once: none of them is trusted, any of them may be dead.
 *
 * @module
 */
import { type GtrError, NetworkError, toGtrError } from "../../../common/errors.ts";
import { abortable, deadline, sleep } from "../../../common/wait.ts";
import type { NostrEvent } from "../events/event.ts";
import { Budget } from "./budget.ts";
import { type ConnectionOptions, RelayConnection } from "./connection.ts";
import type { Filter } from "./filter.ts";
import { LiveSubscription } from "./live_subscription.ts";
import { Sieve } from "./sieve.ts";

/** How long a pool waits; in milliseconds. */
export interface RelayTimes {
  /** For a relay's TCP, TLS and WebSocket handshake. */
  readonly connect: number;
  /** For a relay's whole answer. */
  readonly answer: number;
  /** For the others, once one relay has answered a query with what suffices. */
  readonly grace: number;
  /** Before a connection that nobody uses is closed. */
  readonly idle: number;
  /** Before the first try to reconnect; each further one takes twice as long, up to a minute. */
  readonly reconnect: number;
  /** Before a relay with a subscription has to show that it lives. */
  readonly silence: number;
}

/** Which relays did what they were asked, and why the others didn't. */
export interface Outcome {
  readonly answered: readonly string[];
  readonly failed: ReadonlyMap<string, GtrError>;
}

/** Events as they come, until disposed. */
export interface Subscription extends Disposable {
  /** Resolves once this relay passes on what others send it. */
  listening(url: string, signal: AbortSignal): Promise<void>;
}

/** How relays are asked. */
export interface QueryOptions {
  /**
   * Whether events, of so many relays, are worth not waiting for slow ones any longer than the time of
   * grace: else a relay that is quick and knows nothing would hide what a slower one knows. Any event
   * is, unless it is told.
   */
  readonly suffices?: (events: readonly NostrEvent[], relays: number) => boolean;
  /** What may be kept, where several queries share that. */
  readonly budget?: Budget;
}

const TIMES: RelayTimes = {
  connect: 5_000,
  answer: 10_000,
  grace: 2_500,
  idle: 60_000,
  reconnect: 1_000,
  silence: 60_000,
};
const MAX_EVENTS = 5_000;
const MAX_ANSWER = 16 * 1024 * 1024;
/** After so many events that it should not have sent, a relay is not listened to. */
const MAX_BAD = 50;
const FIRST_RETRY_MS = 500;

/** Connections to relays, made when first used. */
export class Relays implements Disposable {
  readonly #connections = new Map<string, Promise<RelayConnection>>();
  readonly #idle = new Map<string, ReturnType<typeof setTimeout>>();
  readonly #closed = new AbortController();
  readonly #times: RelayTimes;

  constructor(readonly options: ConnectionOptions & { readonly times?: Partial<RelayTimes> }) {
    this.#times = { ...TIMES, ...options.times };
  }

  /**
   * All authentic events that the filters ask for, each once, of all relays that answer in time. What a
   * relay should not have sent is dropped and counted.
   *
   * @throws {NetworkError} "unreachable" where no relay answers: that says nothing about the events
   */
  async query(
    urls: readonly string[],
    filters: readonly Filter[],
    signal: AbortSignal,
    { suffices = (events) => events.length > 0, budget = new Budget() }: QueryOptions = {},
  ): Promise<Outcome & { events: NostrEvent[] }> {
    const events: NostrEvent[] = [];
    let relays = 0;
    const sieve = new Sieve(filters, this.options.dropped);
    const enough = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const outcome = await this.#all(urls, signal, async (url, limit) => {
      const late = AbortSignal.any([limit, enough.signal]);
      const take = (event: NostrEvent, bytes: number) => {
        const fits = budget.take(url, bytes);
        if (fits) events.push(event);
        return fits;
      };
      await this.#ask(url, filters, sieve, take, late);
      if (!suffices(events, ++relays)) return;
      timer ??= setTimeout(() => {
        const why = `the others had answered ${this.#times.grace / 1000} s before`;
        enough.abort(new NetworkError("timed-out", `a relay didn't answer in time: ${why}`));
      }, this.#times.grace);
    }).finally(() => clearTimeout(timer));
    if (outcome.answered.length === 0) throw nobody("answers", outcome);
    return { ...outcome, events };
  }

  /**
   * Hands an event to all relays. One that has it already has stored it; one that wants less haste
   * gets it again, slower and slower, until the deadline.
   *
   * @param quorum how many have to store it
   * @param answers where the answer to it comes: no relay gets the event before that listens there
   * @throws {NetworkError} "no-quorum" that says why
   */
  async publish(
    urls: readonly string[],
    event: NostrEvent,
    quorum: number,
    signal: AbortSignal,
    answers?: Subscription,
  ): Promise<Outcome> {
    const outcome = await this.#all(urls, signal, async (url, limit) => {
      await answers?.listening(url, limit);
      for (let pause = FIRST_RETRY_MS;; pause *= 2) {
        const connection = await this.#connect(url, limit);
        const { accepted, reason } = await connection.publish(event, limit);
        if (accepted || reason.startsWith("duplicate:")) return;
        if (!reason.startsWith("rate-limited:")) {
          throw new NetworkError("refused", `${url} refuses the event: ${reason}`);
        }
        await sleep(pause, limit);
      }
    });
    if (outcome.answered.length >= quorum) return outcome;
    const { answered, failed } = outcome;
    const [first] = failed.values();
    throw new NetworkError(
      "no-quorum",
      `can't publish: ${answered.length} of ${urls.length} relays took it, ${quorum} are needed` +
        (first === undefined ? "" : ` (${first.message})`),
      { hint: "check the relays in nostr.relays, and add some" },
    );
  }

  /**
   * Tells of each new authentic event once, from any relay, until disposed. Relays that are lost, and
   * such as don't answer yet, are tried again and again.
   */
  subscribe(
    urls: readonly string[],
    filters: readonly Filter[],
    listener: (event: NostrEvent) => void,
  ): Subscription {
    const sieve = new Sieve(filters, this.options.dropped);
    const live = new Map(urls.map((url) => [
      url,
      new LiveSubscription({
        connect: async (signal) => {
          using limit = deadline(this.#times.connect, `${url} to connect`, signal);
          return await this.#connect(url, limit.signal);
        },
        filters,
        event: (value) => {
          const event = sieve.pass(value);
          if (typeof event === "object") listener(event);
          return event !== "bad";
        },
        pause: this.#times.reconnect,
        silence: this.#times.silence,
        answer: this.#times.answer,
        signal: this.#closed.signal,
      }),
    ]));
    return {
      listening: async (url, signal) => await live.get(url)?.listening(signal),
      [Symbol.dispose]: () => {
        for (const one of live.values()) one[Symbol.dispose]();
        for (const url of urls) this.#rest(url);
      },
    };
  }

  /** Ends every connection, so that relays forget who has logged in. Subscriptions are made again. */
  hangUp(): void {
    for (const opening of this.#connections.values()) {
      opening.then((connection) => connection.close(), () => {});
    }
    this.#connections.clear();
  }

  /** Closes every connection. */
  [Symbol.dispose](): void {
    this.#closed.abort(new NetworkError("closed", "the connections to relays were closed"));
    for (const timer of this.#idle.values()) clearTimeout(timer);
    this.hangUp();
  }

  /** Does `work` with each relay, within the time for an answer. */
  async #all(
    urls: readonly string[],
    parent: AbortSignal,
    work: (url: string, signal: AbortSignal) => Promise<void>,
  ): Promise<Outcome> {
    const answered: string[] = [];
    const failed = new Map<string, GtrError>();
    const signal = AbortSignal.any([parent, this.#closed.signal]);
    await Promise.all([...new Set(urls)].map(async (url) => {
      using limit = deadline(this.#times.answer, `an answer of ${url}`, signal);
      try {
        await work(url, limit.signal);
        answered.push(url);
      } catch (error) {
        failed.set(url, toGtrError(error));
      } finally {
        this.#rest(url);
      }
    }));
    signal.throwIfAborted();
    return { answered, failed };
  }

  /**
   * Asks one relay, until it has sent all that it has stored.
   *
   * @param take keeps a new event of so many bytes; false where it is too much
   */
  async #ask(
    url: string,
    filters: readonly Filter[],
    sieve: Sieve,
    take: (event: NostrEvent, bytes: number) => boolean,
    signal: AbortSignal,
  ): Promise<void> {
    const connection = await this.#connect(url, signal);
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    let events = 0;
    let bytes = 0;
    let bad = 0;
    const fail = () => reject(signal.reason);
    signal.addEventListener("abort", fail, { once: true });
    const subscription = connection.subscribe(filters, {
      event: (value, length) => {
        const event = sieve.pass(value);
        const fits = typeof event !== "object" || take(event, length);
        if (event === "bad") bad++;
        bytes += length;
        if (fits && ++events <= MAX_EVENTS && bytes <= MAX_ANSWER && bad <= MAX_BAD) return;
        this.options.dropped("flooding-relay");
        reject(new NetworkError("flooding", `${url} sends more than was asked for`));
        connection.close(); // it would go on
      },
      stored: resolve,
      ended: reject,
    });
    try {
      await promise;
    } finally {
      signal.removeEventListener("abort", fail);
      subscription[Symbol.dispose]();
    }
  }

  async #connect(url: string, signal: AbortSignal): Promise<RelayConnection> {
    this.#closed.signal.throwIfAborted();
    clearTimeout(this.#idle.get(url));
    let opening = this.#connections.get(url);
    if (opening === undefined) {
      opening = this.#open(url);
      this.#connections.set(url, opening);
      const forget = () => {
        if (this.#connections.get(url) === opening) this.#connections.delete(url);
      };
      opening.then(({ closed }) => closed.addEventListener("abort", forget), forget);
    }
    return await abortable(opening, signal);
  }

  async #open(url: string): Promise<RelayConnection> {
    using limit = deadline(this.#times.connect, `${url} to connect`, this.#closed.signal);
    return await RelayConnection.open(url, this.options, limit.signal);
  }

  /** Closes the connection after a while, where nobody uses it by then. */
  #rest(url: string): void {
    clearTimeout(this.#idle.get(url));
    if (this.#closed.signal.aborted) return;
    const timer = setTimeout(async () => {
      this.#idle.delete(url);
      const connection = await this.#connections.get(url)?.catch(() => undefined);
      if (connection?.busy === 0) connection.close();
    }, this.#times.idle);
    Deno.unrefTimer(timer as unknown as number); // a program that has finished needs no goodbye
    this.#idle.set(url, timer);
  }
}

function nobody(does: string, { failed }: Outcome): NetworkError {
  const [first] = failed.values();
  const [only] = failed.size === 1 ? failed.keys() : [];
  return new NetworkError(
    "unreachable",
    failed.size === 0
      ? "can't ask relays: there are none to ask"
      : `no relay ${does}: ${only === undefined ? `${failed.size} tried, such as: ` : ""}${
        first!.message
      }`,
    { hint: "check the network, or name other relays: in nostr.relays, or in the address" },
  );
}
