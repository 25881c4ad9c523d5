/**
 * Lines that a peer is sent unasked, between answers.
 *
 * @module
 */
import { encodeLine, MAX_HAVE, MAX_PEERS } from "../messages.ts";
import type { News } from "./crowd.ts";

/** Lines that a peer may leave unread; what is new then is told later. */
const MAX_UNREAD = 16;

/** Holds news back while an answer is being sent. */
export class NewsQueue {
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  #have: number[] = [];
  #peers: string[] = [];
  #answering = false;

  constructor(writer: WritableStreamDefaultWriter<Uint8Array>) {
    this.#writer = writer;
  }

  /** Sends it, now or after the answer. */
  add({ have = [], peers = [] }: News): void {
    this.#have.push(...have);
    this.#peers.push(...peers);
    this.#flush();
  }

  /** Forgets what was not sent. */
  clear(): void {
    this.#have = [];
    this.#peers = [];
  }

  /** Whether an answer is being sent from now on. */
  set answering(answering: boolean) {
    this.#answering = answering;
    this.#flush();
  }

  #flush(): void {
    while (!this.#answering && (this.#writer.desiredSize ?? 0) > -MAX_UNREAD) {
      const line = this.#peers.length > 0
        ? { version: 1, peers: this.#peers.splice(0, MAX_PEERS) } as const
        : this.#have.length > 0
        ? { version: 1, have: this.#have.splice(0, MAX_HAVE) } as const
        : undefined;
      if (!line) return;
      this.#writer.write(encodeLine(line)).catch(() => {}); // who reads requests is told
    }
  }
}
