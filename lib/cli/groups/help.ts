/**
 * The verb that explains all others.
 *
 * @module
 */
import type { Verb } from "../verb.ts";

/** @param verbs all there are, this one included */
export function helpVerb(verbs: () => readonly Verb[]): Verb {
  return {
    name: "help",
    summary: "explain a verb",
    operands: [{
      form: "[verb...]",
      about: "a verb of gtr, or a command of git",
      offer: "verb",
    }],
    options: [],
    details: ["gtr <verb> -h prints the same."],
    examples: [{ command: "gtr help name add", about: "explain gtr name add" }],
    load: async () => (await import("../verbs/help.ts")).helpOn(verbs()),
  };
}
