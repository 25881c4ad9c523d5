/**
 * Telling the operating system's failures from others.
 *
 * @module
 */
import { storeError } from "../common/atomic_file.ts";

/**
 * A failure of the operating system (ENOSPC, EACCES ...) as a `StoreError` that says what was being
 * done; any other error as it is.
 */
export function explained(what: string, error: unknown): unknown {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === "string" && /^E[A-Z0-9]+$/.test(code) ? storeError(what, error) : error;
}
