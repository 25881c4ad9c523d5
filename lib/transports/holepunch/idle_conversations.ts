/**
 * Connections that were used, and may be used again at once. One clone asks a peer several times, and
 * connecting anew means finding it and punching a hole.
 *
 * @module
 */
/** How long they are kept: a peer that has gone without a word is noticed late on them. */
const KEEP_MS = 2000;
/** More than one search asks at once. */
const MOST = 16;

/** What is kept: a conversation. */
export interface Idle {
  readonly peer: { readonly key: string };
  readonly isBroken: boolean;
  hangUp(): void;
}

/** Idle conversations by their peer's key. */
export class IdleConversations<C extends Idle> implements Disposable {
  readonly #idle = new Map<
    string,
    { readonly conversation: C; readonly end: () => void }
  >();
  #ended = false;

  /** One that is still up; it is the caller's now. */
  take(key: string): C | undefined {
    const kept = this.#idle.get(key);
    if (!kept) return undefined;
    kept.end();
    if (!kept.conversation.isBroken) return kept.conversation;
    kept.conversation.hangUp();
  }

  /** Keeps it for a moment, or so many milliseconds; false where it isn't kept. */
  put(conversation: C, ms = KEEP_MS): boolean {
    const { key } = conversation.peer;
    if (this.#ended || this.#idle.has(key) || this.#idle.size >= MOST) return false;
    const timer = setTimeout(() => {
      end();
      conversation.hangUp();
    }, ms);
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
