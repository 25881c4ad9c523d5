/**
 * What each file in `verbs/` exports: a verb's declaration and its code.
 *
 * @module
 */
import type { NamedUsage, VerbUsage } from "../common/verb.ts";
import type { Call } from "./io.ts";

/** One verb. */
export interface Verb extends VerbUsage {
  /**
   * Does it.
   *
   * @param verbs all there are
   * @returns the exit code, 0 if there is none
   */
  run(call: Call, verbs: Verbs): Promise<number | void>;
}

/** A verb with the words that call it. */
export type NamedVerb = Verb & NamedUsage;

/** The verbs of gtr. Each is loaded when it is asked for, since only that one may cost time. */
export interface Verbs {
  /** The names of the verb `word`, or of those in the group of this name; without it, of all. */
  names(word?: string): Promise<readonly string[]>;
  /** One of these verbs. */
  load(name: string): Promise<NamedVerb>;
}

/** Several of them, in their order. */
export async function loadAll(verbs: Verbs, word?: string): Promise<readonly NamedVerb[]> {
  return await Promise.all((await verbs.names(word)).map((name) => verbs.load(name)));
}
