/**
 * What helps where a ref is not published, since what is published went another way.
 *
 * @module
 */
import { shortBranch } from "./share.ts";

/** One line that says so of a ref, and ends with a command that mends it. */
export function divergence(ref: string, address: string): string {
  return `${shortBranch(ref)} has diverged from what is published at ${address}, and is not ` +
    `published until they are joined: ${remedy(ref, address)}`;
}

/** The command; the options come last, so that it reads like what people know. */
export function remedy(ref: string, address: string): string {
  const word = shellWord(shortBranch(ref));
  // A tag has nothing to merge: one of the two it is.
  if (ref.startsWith("refs/tags/")) return `git fetch ${address} +${word}:${word}`;
  // Without an option, or a setting, git says that it doesn't know how to join them.
  return `git pull ${address} ${word} --no-rebase`;
}

/** As a POSIX shell takes it as one word. */
function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
