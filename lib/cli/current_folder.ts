/**
 * Where the command runs.
 *
 * @module
 */
import { UsageError } from "../common/errors.ts";

/**
 * The current folder.
 *
 * @throws {UsageError} "bad-path" if its path is not UTF-8: this program can't name it
 */
export function currentFolder(): string {
  try {
    return Deno.cwd();
  } catch (cause) {
    if (!(cause instanceof Deno.errors.InvalidData)) throw cause;
    throw new UsageError("bad-path", "can't work in this folder: its path is not UTF-8", {
      hint: "rename the folder, or go to another",
      cause,
    });
  }
}

/**
 * Returns if the words of a command line came as they were typed. One that is not UTF-8 comes with
 * U+FFFD in it, and would name another file.
 *
 * @throws {UsageError} "bad-path"
 */
export function checkWords(words: readonly string[]): void {
  const bad = words.find((word) => word.includes("\ufffd"));
  if (bad === undefined) return;
  throw new UsageError("bad-path", `can't use '${bad}': it is not UTF-8`, {
    hint: "rename the file or folder",
  });
}
