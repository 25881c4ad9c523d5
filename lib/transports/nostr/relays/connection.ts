/**
 * One relay, while it is connected.
 *
 * Over `ws`, as the WebSocket of Deno's puts the parts of a message together without any bound.
 *
 * @module
 */
// @ts-types="../../../types/ws.d.ts"
import { WebSocket } from "ws";
import { NetworkError } from "../../../common/errors.ts";
import { lookupFrom } from "../../../common/lookup.ts";
import { printableLine } from "../../../common/printable.ts";
import type { Reach } from "../../../common/reach.ts";
import { abortable } from "../../../common/wait.ts";
import type { NostrEvent } from "../events/event.ts";
import { RELAY_AUTH } from "../events/kinds.ts";
import type { NostrSigner } from "../events/signer.ts";
import type { Filter } from "./filter.ts";
import { readMessage, type RelayMessage } from "./message.ts";

/** Most bytes that may wait to be sent: a relay that doesn't read is dead. */
const MAX_BUFFERED = 16 * 1024 * 1024;
/** Longest message that is taken, in bytes; `message.ts` drops many that are shorter. */
const MAX_PAYLOAD = 4 * 1024 * 1024;
/**
 * Bytes that a relay may send, whatever they are: for the beginning, for each subscription (more than
 * the answer to a query may have), for each event that it gets, and per second.
 */
const AT_FIRST = 2 * 1024 * 1024;
const PER_SUBSCRIPTION = 20 * 1024 * 1024;
const PER_EVENT = 4 * 1024;
const PER_SECOND = 64 * 1024;
/** What a message costs beside its bytes. */
const PER_MESSAGE = 256;
/** How long a goodbye is waited for before the connection is cut, in milliseconds. */
const GOODBYE_MS = 1_000;
const MAX_REASON = 200;

/** What is done with the answers to one subscription. */
export interface Listener {
  event(value: unknown, length: number): void;
  /** All that was stored has been sent; what follows is new. */
  stored(): void;
  /** The relay, or the connection, ended it. */
  ended(why: NetworkError): void;
}

/** A relay's answer to an event. */
export interface Verdict {
  readonly accepted: boolean;
  /** Its words, a machine-readable prefix first: "rate-limited: slow down". */
  readonly reason: string;
}

/** What a connection is made with. */
export interface ConnectionOptions {
  /** Logs in to relays that demand it (NIP-42). */
  readonly signer?: NostrSigner;
  /** What the name of a relay that a stranger tells may lead to; undefined where the user chose it. */
  readonly nearest?: (url: string) => Reach | undefined;
  readonly dropped: (reason: string) => void;
}

/** A connection to a relay. It ends once, with the reason in `closed`. */
export class RelayConnection {
  /** Aborted when the connection has ended, with the {@linkcode NetworkError} that says why. */
  readonly closed: AbortSignal;
  readonly #ended = new AbortController();
  readonly #listeners = new Map<string, Listener>();
  /** By the event's id; the same event may be handed over twice at a time. */
  readonly #verdicts = new Map<string, Set<(verdict: Verdict) => void>>();
  readonly #since = performance.now();
  #allowed = AT_FIRST;
  #received = 0;
  #serial = 0;
  #challenge: string | undefined;
  #login: Promise<void> | undefined;
  #notice = "";

  private constructor(
    readonly url: string,
    readonly socket: WebSocket,
    readonly options: ConnectionOptions,
  ) {
    this.closed = this.#ended.signal;
    // From the start: a relay may send its challenge before anything else happens here.
    socket.on("message", (data, isBinary) => this.#receive(data, isBinary));
    socket.on("close", () => this.#end(unreachable(url, "it hung up")));
    // Also after the end: without a listener an error would end the program.
    socket.on("error", ({ message }) => {
      this.#end(unreachable(url, printableLine(message, MAX_REASON) || "the connection broke"));
    });
  }

  /**
   * Connects.
   *
   * @throws {NetworkError} "unreachable"
   */
  static async open(
    url: string,
    options: ConnectionOptions,
    signal: AbortSignal,
  ): Promise<RelayConnection> {
    signal.throwIfAborted();
    const nearest = options.nearest?.(url);
    const socket = new WebSocket(url, {
      maxPayload: MAX_PAYLOAD,
      perMessageDeflate: false,
      lookup: nearest && lookupFrom(nearest),
    });
    const connection = new RelayConnection(url, socket, options);
    const { closed } = connection;
    const opened = new Promise<void>((resolve, reject) => {
      socket.on("open", resolve);
      closed.addEventListener("abort", () => reject(closed.reason), { once: true });
    });
    try {
      await abortable(opened, signal);
    } catch (error) {
      connection.close();
      throw error;
    }
    return connection;
  }

  /** How many subscriptions and events wait for this relay. */
  get busy(): number {
    return this.#listeners.size + this.#verdicts.size;
  }

  /** Asks for events, those to come included, until disposed. */
  subscribe(filters: readonly Filter[], listener: Listener): Disposable {
    const id = String(++this.#serial);
    if (this.closed.aborted) {
      listener.ended(this.closed.reason);
      return { [Symbol.dispose]() {} };
    }
    this.#allowed += PER_SUBSCRIPTION;
    let mayLogIn = true;
    const ask = () => this.#send(["REQ", id, ...filters]);
    this.#listeners.set(id, {
      ...listener,
      ended: (why) => {
        if (!mayLogIn || why.code !== "auth-required") return listener.ended(why);
        mayLogIn = false;
        this.#listeners.set(id, listener);
        this.#logIn().then(() => this.#listeners.has(id) && ask(), (error) => {
          if (this.#listeners.delete(id)) listener.ended(error);
        });
      },
      event: (value, length) => listener.event(value, length),
      stored: () => listener.stored(),
    });
    ask();
    return {
      [Symbol.dispose]: () => {
        if (this.#listeners.delete(id)) this.#send(["CLOSE", id]);
      },
    };
  }

  /**
   * Hands an event over and waits for the relay's answer, logging in first where it demands that.
   *
   * @throws {NetworkError} "unreachable" where the connection ends before
   */
  async publish(event: NostrEvent, signal: AbortSignal): Promise<Verdict> {
    const verdict = await this.#hand("EVENT", event, signal);
    if (verdict.accepted || !verdict.reason.startsWith("auth-required:")) return verdict;
    try {
      await abortable(this.#logIn(), signal);
    } catch (error) {
      signal.throwIfAborted();
      return { accepted: false, reason: (error as Error).message };
    }
    return await this.#hand("EVENT", event, signal);
  }

  /** Hangs up. */
  close(): void {
    this.#end(unreachable(this.url, "the connection was closed"));
  }

  async #hand(
    type: "EVENT" | "AUTH",
    event: NostrEvent,
    signal: AbortSignal,
  ): Promise<Verdict> {
    signal.throwIfAborted();
    this.closed.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<Verdict>();
    const onEnd = () => reject(this.closed.reason);
    const waiting = this.#verdicts.get(event.id) ?? new Set();
    this.#verdicts.set(event.id, waiting.add(resolve));
    this.#allowed += PER_EVENT;
    this.closed.addEventListener("abort", onEnd, { once: true });
    this.#notice = "";
    this.#send([type, event]);
    try {
      return await abortable(promise, signal);
    } catch (error) {
      if (!signal.aborted || this.#notice === "") throw error;
      // Some relays tell only people what is wrong with an event.
      const why = `${this.url} doesn't answer, but says: ${this.#notice}`;
      throw new NetworkError("refused", why, { cause: error });
    } finally {
      this.closed.removeEventListener("abort", onEnd);
      waiting.delete(resolve);
      if (waiting.size === 0) this.#verdicts.delete(event.id);
    }
  }

  /** Logs in (NIP-42), once per connection. */
  #logIn(): Promise<void> {
    return this.#login ??= (async () => {
      const { signer } = this.options;
      if (signer === undefined || this.#challenge === undefined) {
        throw new NetworkError("auth-required", `${this.url} serves only those who log in`, {
          hint: "use another relay, or gtr nostr login",
        });
      }
      const event = await signer.sign({
        kind: RELAY_AUTH,
        created_at: Math.floor(Date.now() / 1000),
        tags: [["relay", this.url], ["challenge", this.#challenge]],
        content: "",
      }, this.closed);
      const { accepted, reason } = await this.#hand("AUTH", event, this.closed);
      if (!accepted) {
        throw new NetworkError("auth-required", `${this.url} refuses the login: ${reason}`);
      }
    })();
  }

  #send(message: readonly unknown[]): void {
    if (this.socket.readyState !== WebSocket.OPEN) return; // its end is told by onclose
    if (this.socket.bufferedAmount > MAX_BUFFERED) {
      this.#end(unreachable(this.url, "it doesn't read what it is sent"));
      return;
    }
    this.socket.send(JSON.stringify(message));
  }

  #receive(data: Uint8Array, isBinary: boolean): void {
    this.#received += data.length + PER_MESSAGE;
    const seconds = (performance.now() - this.#since) / 1000;
    if (this.#received > this.#allowed + seconds * PER_SECOND) {
      this.options.dropped("flooding-relay");
      this.#end(new NetworkError("flooding", `${this.url} sends more than was asked for`));
      return;
    }
    const text = isBinary ? undefined : new TextDecoder().decode(data);
    const message = readMessage(text);
    if (message === undefined) this.options.dropped("bad-relay-message");
    else this.#handle(message, data.length);
  }

  #handle(message: RelayMessage, length: number): void {
    switch (message.type) {
      case "EVENT":
        // Of a subscription that is over: it was on its way.
        this.#listeners.get(message.subscription)?.event(message.event, length);
        break;
      case "EOSE":
        this.#listeners.get(message.subscription)?.stored();
        break;
      case "CLOSED": {
        const listener = this.#listeners.get(message.subscription);
        this.#listeners.delete(message.subscription);
        const code = message.reason.startsWith("auth-required:") ? "auth-required" : "refused";
        listener?.ended(new NetworkError(code, `${this.url} won't answer: ${message.reason}`));
        break;
      }
      case "OK":
        for (const resolve of this.#verdicts.get(message.id) ?? []) resolve(message);
        break;
      case "NOTICE":
        this.#notice = message.reason;
        break;
      case "AUTH":
        // It ends the former challenge's validity, and with some relays the login.
        this.#challenge = message.challenge;
        this.#login = undefined;
        break;
    }
  }

  #end(why: NetworkError): void {
    if (this.closed.aborted) return;
    this.#ended.abort(why);
    this.socket.removeAllListeners("message");
    this.socket.close();
    const cut = setTimeout(() => this.socket.terminate(), GOODBYE_MS);
    Deno.unrefTimer(cut as unknown as number);
    this.socket.on("close", () => clearTimeout(cut));
    const listeners = [...this.#listeners.values()];
    this.#listeners.clear();
    for (const listener of listeners) listener.ended(why);
  }
}

function unreachable(url: string, why: string): NetworkError {
  return new NetworkError("unreachable", `can't reach ${url}: ${why}`, {
    hint: "check the address, or use another relay",
  });
}
