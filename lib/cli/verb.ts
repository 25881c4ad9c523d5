/**
 * The form in which a verb is declared. Help, manual pages and completions are made from it.
 *
 * @module
 */
import type { Described } from "../common/usage.ts";
import type { Run } from "./io.ts";

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

/** One verb. */
export interface Verb {
  /** The words that call it: "share", "name add". */
  readonly name: string;
  /** One line, starting with a lower-case verb. */
  readonly summary: string;
  readonly operands: readonly Operand[];
  /** For verbs without operands: what to tell someone who gives it one. */
  readonly noOperands?: string;
  readonly options: readonly Option[];
  /** Paragraphs. */
  readonly details: readonly string[];
  readonly examples: readonly Example[];
  /** Loads its code: only the verb that is called costs time. */
  readonly load: () => Promise<{ readonly run: Run }>;
}
