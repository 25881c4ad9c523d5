/**
 * A remote helper that a person runs, and not git.
 *
 * @module
 */
import { formatError, UsageError } from "../common/errors.ts";
import { usageText } from "../common/usage.ts";
import { VERSION } from "../common/version.ts";
import { helperUsage } from "./usage.ts";

/**
 * Answers `--help` and `--version`, and says of everything else what this program is.
 *
 * @param option the first argument
 * @returns the exit code: 0, or 2 where nothing was asked
 */
export function calledByHand(scheme: string, option: string | undefined): number {
  const usage = helperUsage(scheme);
  if (option === "-h" || option === "--help") {
    Deno.stdout.writeSync(new TextEncoder().encode(usageText(usage)));
    return 0;
  }
  if (option === "-V" || option === "--version") {
    console.log(`${usage.name} ${VERSION}`);
    return 0;
  }
  const message = option === undefined
    ? `can't run without git: it is git's helper for ${scheme}:// addresses`
    : `can't run: it doesn't know '${option}'`;
  const error = new UsageError("usage", message, {
    hint: `git clone ${scheme}://<publisher>/<repository>, or ${usage.name} --help`,
  });
  console.error(formatError(error, usage.name));
  return error.exitCode;
}
