/**
 * Connections that were used, and may be used again at once. One clone asks a peer several times, and
 * connecting anew means finding it and punching a hole.
 *
 * @module
 */
import type { Conversation } from "./conversation.ts";

/** How long they are kept: a peer that has gone without a word is noticed late on them. */
const KEEP_MS = 2000;
/** More than one search asks at once. */
const MOST = 16;

/** Idle conversations by their peer's key. */
export class IdleConversations implements Disposable {
  readonly #idle = new Map<
    string,
    { readonly conversation: Conversation; readonly end: () => void }
  >();
  #ended = false;

  /** One that is still up; it is the caller's now. */
  take(key: string): Conversation | undefined {
    const kept = this.#idle.get(key);
    if (!kept) return undefined;
    kept.end();
    if (!kept.conversation.isBroken) return kept.conversation;
    kept.conversation.hangUp();
  }

  /** Keeps it for a moment; false where it isn't kept. */
  put(conversation: Conversation): boolean {
    const { key } = conversation.peer;
    if (this.#ended || this.#idle.has(key) || this.#idle.size >= MOST) return false;
    const timer = setTimeout(() => {
      end();
      conversation.hangUp();
    }, KEEP_MS);
    const end = () => {
      clearTimeout(timer);
      this.#idle.delete(key);
    };
    this.#idle.set(key, { conversation, end });
    return true;
  }

  /** Ends all of them, and those that come later. */
  [Symbol.dispose](): void {
    this.#ended = true;
    for (const { conversation, end } of [...this.#idle.values()]) {
      end();
      conversation.hangUp();
    }
  }
}
