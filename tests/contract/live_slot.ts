/** What a test's node serves live. */
import type { LiveAnswer } from "../../lib/ports/streams.ts";

/** A node that serves nothing until it is told what. */
export interface Serving {
  serve(answer: LiveAnswer): void;
}

/** For the context of a node, and then for the test. */
export class LiveSlot implements Serving {
  #answer: LiveAnswer = () => Promise.resolve(undefined);

  readonly live: LiveAnswer = (wanted) => this.#answer(wanted);

  readonly serve = (answer: LiveAnswer): void => {
    this.#answer = answer;
  };
}
