/**
 * What a command is given: where it runs, where it prints, and who does the work.
 *
 * @module
 */
import type { Home } from "../common/home.ts";
import type { Settings } from "../common/settings.ts";
import type { Services } from "./services.ts";

/** The process around a command; tests pass their own. */
export interface Io {
  readonly cwd: string;
  readonly env: (name: string) => string | undefined;
  /** Root of the user's files. */
  readonly home: string;
  /** Prints data. */
  readonly stdout: (text: string) => void;
  /** Prints what is for a person. */
  readonly stderr: (text: string) => void;
  /** Whether a person watches stderr: only then is progress shown. */
  readonly interactive: boolean;
  /** Ends all waits. */
  readonly signal: AbortSignal;
}

/** The options of all verbs, by commander's names; each verb has those that its table entry lists. */
export interface Options {
  readonly json?: boolean;
  readonly name?: string;
  readonly description?: string;
  readonly tags?: boolean;
  readonly flow?: string;
  readonly replace?: boolean;
  readonly repository?: string;
  readonly unset?: string;
  readonly follow?: boolean;
  readonly keep?: boolean;
  readonly branches?: string;
  readonly lines?: string;
  readonly as?: string;
  readonly acceptChange?: boolean;
}

/** One call of a verb. */
export interface Call {
  readonly operands: readonly string[];
  readonly options: Options;
  readonly io: Io;
  readonly home: Home;
  readonly services: Services;
  /** Read when first asked for. */
  settings(): Promise<Settings>;
}
