/**
 * The typed errors of the whole program.
 *
 * Every expected failure is one of these. `message` reads "what failed: why"; `hint` says what to
 * do about it; `code` is stable and meant for programs. They cross the control socket as JSON.
 *
 * @module
 */

/** JSON form of an error, as the control API sends it. */
export interface ErrorBody {
  code: string;
  message: string;
  hint?: string;
  /** 2 for wrong usage; absent for other failures. */
  exit?: number;
}

/** Base of all expected failures: shown without a stack trace, exit code 1. */
export class GtrError extends Error {
  /** Stable, kebab-case, for programs: "nobody-answered", "bad-address". */
  readonly code: string;
  /** What the person can do, in one sentence. */
  readonly hint?: string;
  /** Exit code of a command that ends with this error. */
  readonly exitCode: number = 1;

  constructor(code: string, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.hint = options.hint;
  }

  /** The form that travels over the control API. */
  toJSON(): ErrorBody {
    return {
      code: this.code,
      message: this.message,
      ...(this.hint ? { hint: this.hint } : {}),
      ...(this.exitCode === 1 ? {} : { exit: this.exitCode }),
    };
  }
}

/** The command or address is wrong: exit code 2. */
export class UsageError extends GtrError {
  override readonly exitCode = 2;
}

/** A person's input that is well-formed but can't be served: unknown name, unshared branch. */
export class RequestError extends GtrError {}

/** Nobody answered, in time or at all. */
export class NetworkError extends GtrError {}

/** Data from the network (or a damaged disk) that fails a check. Never used, never stored. */
export class VerificationError extends GtrError {}

/** The local disk, store or lock refused. */
export class StoreError extends GtrError {}

/** git is missing, too old, or failed. */
export class GitError extends GtrError {}

/** Rebuilds an error that came over the control API. */
export function errorFromBody(body: ErrorBody): GtrError {
  const Kind = body.exit === 2 ? UsageError : GtrError;
  return new Kind(body.code, body.message, { hint: body.hint });
}

/** Any thrown value as a {@linkcode GtrError}; unexpected ones get the code "internal". */
export function toGtrError(thrown: unknown): GtrError {
  if (thrown instanceof GtrError) return thrown;
  if (thrown instanceof Error && thrown.cause instanceof GtrError) return thrown.cause;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new GtrError("internal", message || "unknown failure", { cause: thrown });
}

/** The lines a person sees on stderr: `gtr: what failed: why` and `hint: what to do`. */
export function formatError(error: GtrError, program = "gtr"): string {
  const line = `${program}: ${error.message}`;
  return error.hint ? `${line}\nhint: ${error.hint}` : line;
}
