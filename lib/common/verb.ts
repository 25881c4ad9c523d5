/**
 * The form in which a verb of gtr is declared. Help, manual pages and completions are made from it.
 *
 * @module
 */
import type { Described } from "./usage.ts";

/** What a shell offers for a word. */
export type Offered =
  | "branch"
  | "shared branch"
  | "shared repository"
  | "petname"
  | "setting"
  | "directory"
  | "verb";

/** A word after the verb, in commander's notation: "<name>", "[branch...]". */
export interface Operand extends Described {
  readonly offer?: Offered;
}

/** An option, in commander's notation: "-n, --lines <count>". */
export interface Option extends Described {
  /** For its value. */
  readonly offer?: Offered;
}

/** What every verb with something to print has. */
export const JSON_OPTION: Option = { form: "--json", about: "print JSON, for programs" };

/** A command line that works, and what it does. */
export interface Example {
  readonly command: string;
  readonly about: string;
}

/** What is said of one verb. */
export interface VerbUsage {
  /** One line, starting with a lower-case verb. */
  readonly summary: string;
  readonly operands: readonly Operand[];
  /** For verbs without operands: what to tell someone who gives it one. */
  readonly noOperands?: string;
  readonly options: readonly Option[];
  /** Paragraphs. */
  readonly details: readonly string[];
  readonly examples: readonly Example[];
}

/** The same with the words that call it: "share", "name add". */
export type NamedUsage = VerbUsage & { readonly name: string };
