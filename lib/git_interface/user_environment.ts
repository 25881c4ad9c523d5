/**
 * The environment of git where it runs in the user's name.
 *
 * @module
 */

/** git(1), git-config(1): where settings are, and what is set besides. */
const CONFIGURATION = [
  "GIT_CONFIG_PARAMETERS",
  "GIT_CONFIG_COUNT",
  "GIT_CONFIG_GLOBAL",
  "GIT_CONFIG_SYSTEM",
  "GIT_CONFIG_NOSYSTEM",
];
/** git(1): how far up a repository is looked for. */
const DISCOVERY = ["GIT_CEILING_DIRECTORIES", "GIT_DISCOVERY_ACROSS_FILESYSTEM"];

/**
 * The user's settings for git, which other git processes of ours don't get: `git -c` and
 * `GIT_CONFIG_*`.
 */
export function configEnvironment(
  env: (name: string) => string | undefined,
): Record<string, string> {
  const count = Number(env("GIT_CONFIG_COUNT")) || 0;
  const numbered: string[] = [];
  // Whatever the count says, git stops at the first that is missing.
  for (let i = 0; i < count && env(`GIT_CONFIG_KEY_${i}`) !== undefined; i++) {
    numbered.push(`GIT_CONFIG_KEY_${i}`, `GIT_CONFIG_VALUE_${i}`);
  }
  return pick([...CONFIGURATION, ...numbered], env);
}

/** The same with what says where a repository may be found. */
export function userEnvironment(
  env: (name: string) => string | undefined,
): Record<string, string> {
  return { ...configEnvironment(env), ...pick(DISCOVERY, env) };
}

function pick(
  names: readonly string[],
  env: (name: string) => string | undefined,
): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => {
    const value = env(name);
    return value === undefined ? [] : [[name, value]];
  }));
}
