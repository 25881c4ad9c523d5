/**
 * Which ref names a manifest may contain.
 *
 * @module
 */

/** Longest ref name, in bytes: each part of it must fit a file name, `.lock` included. */
export const MAX_REF_NAME = 250;

/** What `git check-ref-format` refuses anywhere: control characters, space and git's own signs. */
// deno-lint-ignore no-control-regex -- they are what is refused
const FORBIDDEN = /[\x00-\x20\x7f~^:?*[\\]|\.\.|@\{/;
const NOT_ALLOWED = "git does not allow its name";

/**
 * Whether `name` is a branch or tag by the rules of git-check-ref-format(1), is at most
 * {@linkcode MAX_REF_NAME} bytes long, and could not be taken for an option (a part that starts with
 * `-`) or for HEAD (`refs/heads/HEAD`), as `git branch` would also not allow.
 */
export function isValidRefName(name: string): boolean {
  return refNameFault(name) === undefined;
}

/** Why {@linkcode isValidRefName} refuses a name, for a person; undefined if it doesn't. */
export function refNameFault(name: string): string | undefined {
  if (!/^refs\/(?:heads|tags)\//.test(name)) return "it is neither a branch nor a tag";
  if (name === "refs/heads/HEAD") return "a branch can't be called HEAD";
  if (FORBIDDEN.test(name) || name.endsWith(".") || !name.isWellFormed()) return NOT_ALLOWED;
  if (new TextEncoder().encode(name).length > MAX_REF_NAME) {
    return `its name is too long: over ${MAX_REF_NAME} bytes, with "refs/heads/" or "refs/tags/"`;
  }
  const parts = name.split("/");
  if (parts.some((part) => part.startsWith("-"))) return 'a part of its name starts with "-"';
  const isRight = parts.every((part) => part !== "" && !/^\.|\.lock$/.test(part));
  return isRight ? undefined : NOT_ALLOWED;
}

/**
 * A ref that can't exist beside another: git keeps no `refs/heads/a` where there is a
 * `refs/heads/a/b`. Undefined where all of `names` can exist together.
 */
export function conflictingRef(names: Iterable<string>): string | undefined {
  const all = new Set(names);
  for (const name of all) {
    for (let end = name.lastIndexOf("/"); end > 0; end = name.lastIndexOf("/", end - 1)) {
      if (all.has(name.slice(0, end))) return name;
    }
  }
  return undefined;
}
