/**
 * Connecting to peers: once at a time to each, and not at all where a connection is idle.
 *
 * @module
 */
import { abortable, deadline, sleep } from "../../common/wait.ts";
import { type Idle, IdleConversations } from "./idle_conversations.ts";
import type { PeerAddress } from "./node.ts";

/** Punching through two routers takes seconds; of a peer that has gone the DHT knows nothing. */
const CONNECT_MS = 12_000;
/**
 * Where one of the routers gives each connection another port, hyperdht guesses one 50 times a second,
 * for 35 seconds at most; and not within 20 seconds of the last time.
 */
const SEARCH_MS = 45_000;
/** A search that ends sooner has been put off by one of the two. */
const PUT_OFF_MS = 2_000;
const AGAIN_MS = 3_000;
/** How long a connection is kept that had to be searched for. */
const KEEP_FOUND_MS = 60_000;

/** Called when a connection takes longer, with how many milliseconds it may still take. */
export type Patience = (ms: number) => void;

/**
 * Opens a conversation. One that is passed to `keep` stays open if that returns true; `searching` is
 * called when a port has to be guessed.
 */
export type Open<C> = (
  peer: PeerAddress,
  signal: AbortSignal,
  keep: (conversation: C) => boolean,
  searching: () => void,
) => Promise<C>;

/** A connection that is being made. */
interface Attempt<C> {
  readonly result: Promise<C>;
  readonly stop: AbortController;
  /** Who waits. */
  readonly waiting: Set<Patience>;
  /** When the search for a port began, by the monotonic clock. */
  searching?: number;
}

/** The connections of one node. */
export class Connections<C extends Idle & Disposable> implements Disposable {
  readonly #openNew: Open<C>;
  readonly #idle = new IdleConversations<C>();
  readonly #attempts = new Map<string, Attempt<C>>();

  constructor(open: Open<C>) {
    this.#openNew = open;
  }

  /**
   * A conversation with the peer, the caller's own. A search for a port that nobody waits for any more
   * goes on: another could not begin soon.
   *
   * @param timeoutMs milliseconds that it may take, at most 12 seconds, unless a port is searched for
   * @throws {NetworkError} "no-live-peer", or "timed-out"
   */
  async connect(
    peer: PeerAddress,
    timeoutMs: number,
    signal: AbortSignal,
    patience: Patience = () => {},
  ): Promise<C> {
    for (;;) {
      signal.throwIfAborted();
      const idle = this.#idle.take(peer.key);
      if (idle) return idle;
      const others = this.#attempts.get(peer.key);
      const attempt = others ?? this.#begin(peer, Math.min(timeoutMs, CONNECT_MS));
      attempt.waiting.add(patience);
      if (attempt.searching !== undefined) patience(attempt.searching + SEARCH_MS - now());
      try {
        const conversation = await abortable(attempt.result, signal);
        if (!others) return conversation;
      } catch (error) {
        if (!signal.aborted && others?.stop.signal.aborted) continue; // who began it gave up
        if (signal.aborted && !others) this.#leave(attempt);
        throw error;
      } finally {
        attempt.waiting.delete(patience);
      }
    }
  }

  /** Ends all of them, and those that come later. */
  [Symbol.dispose](): void {
    this.#idle[Symbol.dispose]();
    for (const { stop } of this.#attempts.values()) stop.abort();
  }

  #begin(peer: PeerAddress, ms: number): Attempt<C> {
    const stop = new AbortController();
    const what = `holepunch peer ${peer.key.slice(0, 12)} to answer`;
    const limit = deadline(ms, what, stop.signal);
    const searching = () => {
      attempt.searching ??= now();
      limit.extend(attempt.searching + SEARCH_MS - now());
      for (const patience of attempt.waiting) patience(SEARCH_MS);
    };
    // Not before `attempt` is there.
    const result = Promise.resolve().then(() => this.#open(peer, limit.signal, searching));
    const attempt: Attempt<C> = { result, stop, waiting: new Set() };
    this.#attempts.set(peer.key, attempt);
    const end = () => {
      limit[Symbol.dispose]();
      this.#attempts.delete(peer.key);
    };
    result.then(end, end);
    return attempt;
  }

  async #open(
    peer: PeerAddress,
    signal: AbortSignal,
    searching: () => void,
  ): Promise<C> {
    for (;;) {
      let begun: number | undefined;
      const keep = (conversation: C) =>
        this.#idle.put(conversation, begun === undefined ? undefined : KEEP_FOUND_MS);
      try {
        return await this.#openNew(peer, signal, keep, () => {
          begun = now();
          searching();
        });
      } catch (error) {
        if (signal.aborted || begun === undefined || now() - begun > PUT_OFF_MS) throw error;
        await sleep(AGAIN_MS, signal);
      }
    }
  }

  /** Its caller has gone. */
  #leave({ result, stop, searching }: Attempt<C>): void {
    if (searching === undefined) stop.abort();
    result.then((conversation) => conversation[Symbol.dispose](), () => {});
  }
}

function now(): number {
  return performance.now();
}
