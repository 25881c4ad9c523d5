/**
 * Whether this program can name what git runs it for.
 *
 * @module
 */
import { UsageError } from "../common/errors.ts";

/**
 * Reads a variable of the environment.
 *
 * @throws {UsageError} "bad-path" if it is not UTF-8
 */
export function readVariable(name: string): string | undefined {
  try {
    return Deno.env.get(name);
  } catch (cause) {
    if (!(cause instanceof Deno.errors.InvalidData)) throw cause;
    throw new UsageError("bad-path", `can't use the path in ${name}: it is not UTF-8`, {
      hint: "rename the folder, or use another",
      cause,
    });
  }
}

/** Whether the repository that git runs the helper for has a path that can't be named here. */
export function isUnnameable(): boolean {
  try {
    const given = Deno.env.get("GIT_DIR");
    // A relative one is below the current folder.
    if (given && !given.startsWith("/")) Deno.cwd();
    return false;
  } catch (error) {
    if (error instanceof Deno.errors.InvalidData) return true;
    throw error;
  }
}
