/**
 * What the helper needs of gtd: four calls. Tests bring their own.
 *
 * @module
 */
import type { Calls } from "../daemon/operations.ts";

/** The narrow view of the control API that git's remote helper works with. */
export type HelperClient =
  & Pick<Calls, "resolve" | "sync" | "dial" | "push">
  & AsyncDisposable;
