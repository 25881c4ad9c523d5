/**
 * A key that stays in another program, a "bunker", which signs what it is sent (NIP-46).
 *
 * Over this room's relays, not nostr-tools' own: its requests have neither a deadline nor bounds.
 *
 * @module
 */
import { decrypt, encrypt, getConversationKey } from "nostr-tools/nip44";
import { GtrError, NetworkError, UsageError, VerificationError } from "../../../common/errors.ts";
import { printableLine } from "../../../common/printable.ts";
import { abortable, deadline } from "../../../common/wait.ts";
import { eventFault, type EventTemplate, isAuthentic, type NostrEvent } from "../events/event.ts";
import { REMOTE_SIGNING } from "../events/kinds.ts";
import { localSigner, type NostrSigner } from "../events/signer.ts";
import type { Relays, Subscription } from "../relays/relays.ts";
import { distinctUrls, relayUrl } from "../urls.ts";

/** Where a bunker is: `bunker://<key>?relay=...&secret=...`. */
export interface BunkerAddress {
  /** The bunker's own public key, which need not be the one that it signs with. */
  readonly pubkey: string;
  readonly relays: readonly string[];
  /** What the bunker knows this user by, once. Never shown. */
  readonly secret?: string;
}

/** A person may have to allow the request first. */
const ANSWER_MS = 60_000;
const MAX_RELAYS = 8;
const MAX_ANSWER = 256 * 1024;

/**
 * Reads a bunker's address.
 *
 * @throws {UsageError} "bad-bunker", which doesn't repeat the address: it holds a secret
 */
export function parseBunker(uri: string): BunkerAddress {
  const [, pubkey, query] = /^bunker:\/\/([0-9a-f]{64})\/?\?(.*)$/is.exec(uri.trim()) ?? [];
  const parameters = new URLSearchParams(query);
  const relays = distinctUrls(parameters.getAll("relay"), relayUrl, MAX_RELAYS);
  if (pubkey === undefined || relays.length === 0) {
    throw new UsageError("bad-bunker", "can't use nostr.bunker-uri: it is not a bunker's address", {
      hint: "it reads bunker://<64 hex digits>?relay=wss://...&secret=...",
    });
  }
  return { pubkey: pubkey.toLowerCase(), relays, secret: parameters.get("secret") ?? undefined };
}

/**
 * Connects to a bunker.
 *
 * @param appKey this program's own key with the bunker, 32 bytes; they become the signer's
 * @param relays closed by who made them
 * @throws {NetworkError} "timed-out", "no-quorum" or "bunker-refused"
 */
export async function bunkerSigner(
  address: BunkerAddress,
  appKey: Uint8Array,
  relays: Relays,
  signal: AbortSignal,
): Promise<NostrSigner> {
  const session = new BunkerSession(address, appKey, relays);
  try {
    await session.request("connect", [address.pubkey, address.secret ?? ""], signal);
    const pubkey = await session.request("get_public_key", [], signal);
    if (!/^[0-9a-f]{64}$/.test(pubkey)) throw badAnswer("it tells no public key");
    return {
      pubkey,
      sign: (template, signal) => session.sign(template, pubkey, signal),
      close: () => session.close(),
    };
  } catch (error) {
    session.close();
    throw error;
  }
}

class BunkerSession {
  readonly #waiting = new Map<string, { resolve(text: string): void; reject(why: Error): void }>();
  readonly #subscription: Subscription;
  readonly #app: NostrSigner;
  readonly #conversation: Uint8Array;

  constructor(readonly address: BunkerAddress, appKey: Uint8Array, readonly relays: Relays) {
    this.#conversation = getConversationKey(appKey, address.pubkey);
    this.#app = localSigner(appKey);
    this.#subscription = relays.subscribe(address.relays, [{
      kinds: [REMOTE_SIGNING],
      authors: [address.pubkey],
      "#p": [this.#app.pubkey],
    }], (event) => this.#receive(event));
  }

  /** Sends a request and waits for its result. */
  async request(method: string, params: readonly string[], parent: AbortSignal): Promise<string> {
    using limit = deadline(
      ANSWER_MS,
      "the bunker to answer",
      parent,
      "see whether it runs, and whether it waits for you to allow the request",
    );
    const id = crypto.randomUUID();
    const answer = Promise.withResolvers<string>();
    answer.promise.catch(() => {}); // if the request can't even be sent
    this.#waiting.set(id, answer);
    try {
      const event = await this.#app.sign({
        kind: REMOTE_SIGNING,
        created_at: Math.floor(Date.now() / 1000),
        tags: [["p", this.address.pubkey]],
        content: encrypt(JSON.stringify({ id, method, params }), this.#conversation),
      }, limit.signal);
      // Answers are ephemeral: one that comes before the relay listens for us is lost.
      await this.relays.publish(this.address.relays, event, 1, limit.signal, this.#subscription);
      return await abortable(answer.promise, limit.signal);
    } finally {
      this.#waiting.delete(id);
    }
  }

  async sign(template: EventTemplate, pubkey: string, signal: AbortSignal): Promise<NostrEvent> {
    const { kind, created_at, tags, content } = template;
    const wanted = { kind, created_at, tags, content };
    const text = await this.request("sign_event", [JSON.stringify(wanted)], signal);
    let event: NostrEvent;
    try {
      event = JSON.parse(text);
    } catch {
      throw badAnswer("it sends no event");
    }
    // Another event, or another's, must not go out in the user's name.
    const right = eventFault(event, created_at) === undefined && event.pubkey === pubkey &&
      JSON.stringify([event.kind, event.created_at, event.tags, event.content]) ===
        JSON.stringify([kind, created_at, tags, content]) &&
      isAuthentic(event);
    if (!right) throw badAnswer("it signed something else");
    const { id, sig } = event;
    return { id, pubkey, created_at, kind, tags, content, sig };
  }

  close(): void {
    this.#subscription[Symbol.dispose]();
    this.#app.close();
    this.#conversation.fill(0);
    for (const { reject } of this.#waiting.values()) {
      reject(new GtrError("closed", "can't sign an event: the bunker was closed"));
    }
  }

  #receive(event: NostrEvent): void {
    let answer: { id?: unknown; result?: unknown; error?: unknown };
    try {
      if (event.content.length > MAX_ANSWER) throw new RangeError("too long");
      answer = JSON.parse(decrypt(event.content, this.#conversation)) ?? {};
    } catch {
      this.relays.options.dropped("bad-bunker-answer");
      return;
    }
    const waiting = typeof answer.id === "string" ? this.#waiting.get(answer.id) : undefined;
    if (waiting === undefined || answer.result === "auth_url") return; // a person is being asked
    if (typeof answer.error === "string" && answer.error !== "") {
      const why = printableLine(answer.error, 200);
      waiting.reject(new NetworkError("bunker-refused", `the bunker refuses: ${why}`));
    } else waiting.resolve(typeof answer.result === "string" ? answer.result : "");
  }
}

function badAnswer(why: string): VerificationError {
  return new VerificationError("bad-bunker-answer", `can't use the bunker's answer: ${why}`);
}
