/**
 * What gtr is, for help and the manual; its verbs are in `verbs.ts`.
 *
 * @module
 */
import { HELP_OPTION, type ProgramUsage } from "../common/usage.ts";

export const GTR_USAGE: ProgramUsage = {
  name: "gtr",
  summary: "git without a server: share repositories and clone them with plain git",
  forms: ["<verb> [options]", "<git command> ...    handed to git unchanged"],
  details: [
    "Shares the branches you choose over peer-to-peer networks. Everyone else clones and pulls " +
    "them with plain git, by the address that gtr init prints, and passes them on.",
    "A word that is not a verb of gtr is a git command: gtr log is git log. Some verbs, such as " +
    "status, config and init, have the name of one of git's and are not it.",
  ],
  options: [
    HELP_OPTION,
    { form: "-V, --version", about: "print the version and the networks it knows" },
  ],
  exits: [
    { form: "0", about: "done" },
    { form: "1", about: "failed; stderr says why, and what to do about it" },
    { form: "2", about: "wrong usage" },
    { form: "other", about: "git's own, if a command was handed to git" },
  ],
};
