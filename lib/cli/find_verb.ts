/**
 * Finding verbs by the words that call them.
 *
 * @module
 */
import type { Verb } from "./verb.ts";

/** The verb that these words name exactly. */
export function findVerb(verbs: readonly Verb[], words: readonly string[]): Verb | undefined {
  const name = words.join(" ");
  return verbs.find((verb) => verb.name === name);
}

/** The verbs of a group: "name" has "name add", "name remove" and others. */
export function verbsOfGroup(verbs: readonly Verb[], word: string): readonly Verb[] {
  return verbs.filter((verb) => verb.name.startsWith(`${word} `));
}
