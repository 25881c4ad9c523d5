/**
 * What gtd is, for its `--help` and the manual.
 *
 * @module
 */
import { HELP_OPTION, type ProgramUsage, VERSION_OPTION } from "../common/usage.ts";

export const GTD_USAGE: ProgramUsage = {
  name: "gtd",
  summary: "gtr's daemon: publishes what you share, and passes on what you have cloned",
  forms: ["[options]"],
  details: [
    "Watches the repositories that are shared, publishes every change of their shared branches, " +
    "and serves others. It runs until it is stopped; there is one for each GTR_HOME.",
    "gtr and git start it when they need it, and gtr daemon stop stops it. To have the " +
    "service manager run it: systemctl --user enable --now gtd.",
  ],
  options: [
    {
      form: "--background",
      about: 'log to gtd.log, and print "ready" on stdout as soon as requests are answered',
    },
    HELP_OPTION,
    VERSION_OPTION,
  ],
  exits: [
    { form: "0", about: "it was stopped, or another gtd runs already" },
    { form: "1", about: "failed; stderr says why, and what to do about it" },
    { form: "2", about: "wrong usage, or a setting that can't be used" },
  ],
};
