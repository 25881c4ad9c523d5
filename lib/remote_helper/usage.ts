/**
 * What a remote helper is, for its `--help` and the manual.
 *
 * @module
 */
import { HELP_OPTION, type ProgramUsage, VERSION_OPTION } from "../common/usage.ts";

/** The usage of `git-remote-<scheme>`. */
export function helperUsage(scheme: string): ProgramUsage {
  return {
    name: `git-remote-${scheme}`,
    summary: `git's remote helper for ${scheme}:// addresses`,
    forms: ["<remote> <address>", "-h | -V"],
    details: [
      "git runs it by itself for addresses of this form; it is not meant to be called by people. " +
      "It has to be on PATH. It asks gtd to fetch and to publish, and starts gtd if need be.",
      `Try: git clone ${scheme}://<publisher>/<repository>`,
    ],
    options: [HELP_OPTION, VERSION_OPTION],
    exits: [
      { form: "0", about: "git got all it asked for" },
      { form: "1", about: "failed; stderr says why, and what to do about it" },
      { form: "2", about: "called without arguments" },
    ],
  };
}
