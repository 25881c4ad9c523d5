/**
 * git's configuration, for those who don't run git.
 *
 * @module
 */

/** A value of the user's own configuration of git; undefined if it is not set. */
export type GitConfig = (name: string, signal: AbortSignal) => Promise<string | undefined>;
