/**
 * What a repository may be called: one rule for addresses, manifests and the store's folders.
 *
 * @module
 */

/** Longest repository name, in characters. */
export const MAX_REPOSITORY_NAME = 64;

/**
 * Why `name` can't be a repository's name, or undefined where it can.
 *
 * A name becomes a file name, a URL part and a DHT salt, so it is letters, digits, `.`, `_` and `-`
 * only. A leading `.` would hide it or leave the folder, a leading `-` would read as an option,
 * `.lock` is git's and `.git` is taken off addresses, so a name that ends with it can't be reached.
 */
export function repositoryNameFault(name: string): string | undefined {
  if (name === "") return "it is empty";
  if (name.length > MAX_REPOSITORY_NAME) {
    return `it has ${name.length} characters and ${MAX_REPOSITORY_NAME} is the most`;
  }
  if (!/^[A-Za-z0-9._-]+$/.test(name)) {
    return "only letters, digits, '.', '_' and '-' can be in it";
  }
  if (/^[.-]/.test(name)) return `it starts with '${name[0]}'`;
  const ending = /\.(?:lock|git)$/.exec(name)?.[0];
  return ending === undefined ? undefined : `it ends with '${ending}'`;
}
