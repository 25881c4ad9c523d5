/**
 * When a HEARTBEAT is due: to keep what is between the two sides open, and to ask a closed window.
 *
 * @module
 */

/** Questions to a closed window without any answer, after which nobody is there any more. */
const MAX_QUESTIONS = 8;

/** The heartbeats of one connection. Times in ms. */
export class Heartbeats {
  #every = 0;
  #keepaliveAt = Infinity;
  #questionAt = Infinity;
  #questions = 0;

  /** When {@linkcode due} has to be asked next; Infinity: never. */
  get deadline(): number {
    return Math.min(this.#keepaliveAt, this.#questionAt);
  }

  /** How often something has to be sent; 0: never. Counts from {@linkcode begin} on. */
  set every(ms: number) {
    this.#every = ms;
    this.#keepaliveAt = Infinity;
  }

  /** Counts the time of silence from now on. */
  begin(now: number): void {
    this.#keepaliveAt = this.#every > 0 ? now + this.#every : Infinity;
  }

  /** The other side has said something. */
  heard(): void {
    this.#questions = 0;
  }

  /** The other side may open its window without our hearing of it: while it is closed, it is asked. */
  watch(isClosed: boolean, now: number, rto: number): void {
    if (!isClosed) this.#questionAt = Infinity;
    else if (this.#questionAt === Infinity) this.#questionAt = now + rto;
  }

  /**
   * What is due by now.
   *
   * @param idle nothing is under way
   * @returns "dead": nobody answers any more
   */
  due(now: number, idle: boolean, rto: number): "heartbeat" | "dead" | undefined {
    const isSilent = this.#keepaliveAt <= now;
    if (isSilent) this.begin(now);
    if (this.#questionAt > now) return isSilent && idle ? "heartbeat" : undefined;
    if (this.#questions++ >= MAX_QUESTIONS) return "dead";
    this.#questionAt = now + 2 * rto;
    return "heartbeat";
  }

  /** None is due any more. */
  stop(): void {
    this.#keepaliveAt = this.#questionAt = Infinity;
  }
}
