/**
 * The user's keys on networks with keys of their own.
 *
 * @module
 */
import type { GtrError } from "../common/errors.ts";
import type { Wait } from "../common/wait.ts";

/** The user's key, as a running node has it. */
export interface AccountPort {
  /** Why it can't be used, as far as that is known. */
  fault(): GtrError | undefined;
  /**
   * Uses what is in git's configuration now, and goes on at once with what waited for it. A wrong
   * password changes nothing.
   *
   * @throws {RequestError} "locked-key" if it is encrypted, and `password` of the context is not its
   */
  use(wait: Wait): Promise<void>;
}
