/**
 * The form in which a verb of gtr is declared. Help, manual pages and completions are made from it.
 *
 * @module
 */
import type { Home } from "./home.ts";
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

/** What a verb of a network is called with. */
export interface NetworkCall {
  readonly operands: readonly string[];
  /** The answer is for a program. */
  readonly json: boolean;
  readonly home: Home;
  readonly signal: AbortSignal;
  /** Prints what was asked for: `program` as JSON if it is for one, else the line `person`. */
  answer(program: unknown, person: string): void;
  /** Tells a person something beside it. */
  note(text: string): void;
  /** Asks for a secret, without showing it; undefined if there is nobody to ask. */
  ask(question: string, signal: AbortSignal): Promise<string | undefined>;
  /** A value of the user's own configuration of git; undefined if it is not set. */
  gitConfig(name: string, signal: AbortSignal): Promise<string | undefined>;
  /** Sets these values there and removes the others of `names`, all at once. */
  changeGitConfig(
    names: readonly string[],
    values: Readonly<Record<string, string>>,
  ): Promise<void>;
  /**
   * Has gtd use the network's key that is in git's configuration now. A gtd that doesn't run reads
   * it when it starts; if that takes a password, it is started now.
   *
   * @throws {RequestError} "no-daemon" if it doesn't run, and may not be started
   */
  useKey(password?: string): Promise<void>;
  /** Whether gtd lacks the password of that key; one that doesn't run has none. */
  isKeyLocked(): Promise<boolean>;
}

/** A verb of a network. */
export interface NetworkVerb extends VerbUsage {
  run(call: NetworkCall): Promise<void>;
}

/** The verbs of a network, by the word that follows its name, in the order that help lists them. */
export type NetworkVerbs = Readonly<
  Record<string, () => Promise<{ readonly verb: NetworkVerb }>>
>;
