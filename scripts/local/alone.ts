/**
 * Keeping a gtd that runs for a test, a demo or a benchmark away from the public networks.
 *
 * @module
 */

/** Settings by which it listens on loopback only, and begins networks of its own. */
export const ALONE = {
  GTR_TORRENT_HOST: "127.0.0.1",
  GTR_TORRENT_BOOTSTRAP: "none",
  GTR_HOLEPUNCH_HOST: "127.0.0.1",
  GTR_HOLEPUNCH_BOOTSTRAP: "none",
} as const;

/** The settings that `env` lacks to keep gtd from contacting the public networks. */
export function missingSettings(env: Readonly<Record<string, string>>): string[] {
  return Object.keys(ALONE).filter((name) => name.endsWith("_BOOTSTRAP") && !env[name]);
}
