/**
 * Verbs for gtd and its settings.
 *
 * @module
 */
import { JSON_OPTION, type Verb } from "../verb.ts";

/** In the order that help lists them. */
export const UPKEEP: readonly Verb[] = [
  {
    name: "status",
    summary: "show what gtd does: networks, repositories, peers",
    operands: [],
    options: [JSON_OPTION],
    details: ["Starts gtd if it doesn't run and daemon.autostart is true. git's own: git status."],
    examples: [{ command: "gtr status --json", about: "the same, for programs" }],
    load: () => import("../verbs/status.ts"),
  },
  {
    name: "doctor",
    summary: "check that everything gtr needs is there and works",
    operands: [],
    options: [JSON_OPTION],
    details: [
      "Checks git, the helpers on PATH, your files, the clock, the disk, gtd, its networks, the store " +
      "and what you share, all at once. Prints a line for each, ok, warning or failed, with a hint " +
      "of what to do; exit code 1 if something failed. It neither starts gtd nor repairs anything.",
      'With --json: {"ok": true, "checks": [{"what", "state", "why", "hint"}]}; state is one of ok, ' +
      "warning and failed, and hint may be absent.",
    ],
    examples: [{ command: "gtr doctor", about: "say what is wrong, and what to do" }],
    load: () => import("../verbs/doctor.ts"),
  },
  {
    name: "config",
    summary: "show or change settings",
    operands: [
      { form: "[name]", about: "a setting (default: list all)", offer: "setting" },
      { form: "[value]", about: "its new value (default: print the one in force)" },
    ],
    options: [
      { form: "--unset <name>", about: "back to the default", offer: "setting" },
      JSON_OPTION,
    ],
    details: [
      "The variable GTR_A_B overrides the setting a.b: GTR_TORRENT_PORT overrides torrent.port. " +
      "gtd reads settings when it starts, and again on SIGHUP. git's own settings: git config.",
    ],
    examples: [
      { command: "gtr config", about: "all settings, their values and where they come from" },
      { command: "gtr config torrent.port 6881", about: "always use this port, for a firewall" },
      {
        command: "gtr config seed.policy followed",
        about: "of others' repositories, pass on only what you follow",
      },
      { command: "gtr config --unset torrent.port", about: "use any free port again" },
    ],
    load: () => import("../verbs/config.ts"),
  },
  {
    name: "daemon start",
    summary: "start gtd",
    operands: [],
    options: [JSON_OPTION],
    details: ["Does nothing if it runs already. Other commands start it when they need it."],
    examples: [{ command: "gtr daemon start", about: "start it now" }],
    load: () => import("../verbs/daemon_start.ts"),
  },
  {
    name: "daemon stop",
    summary: "stop gtd",
    operands: [],
    options: [JSON_OPTION],
    details: ["What you share can't be fetched from this computer until it runs again."],
    examples: [{ command: "gtr daemon stop", about: "stop it" }],
    load: () => import("../verbs/daemon_stop.ts"),
  },
  {
    name: "daemon status",
    summary: "say whether gtd runs; exit code 1 if it doesn't",
    operands: [],
    options: [JSON_OPTION],
    details: ["Never starts it."],
    examples: [{ command: "gtr daemon status", about: "version, process id and uptime" }],
    load: () => import("../verbs/daemon_status.ts"),
  },
  {
    name: "daemon logs",
    summary: "print the end of gtd's log",
    operands: [],
    options: [
      { form: "-n, --lines <count>", about: "lines to print (default: 20)" },
      { form: "-f, --follow", about: "keep printing what is added" },
    ],
    details: [],
    examples: [{ command: "gtr daemon logs -f", about: "watch it work" }],
    load: () => import("../verbs/daemon_logs.ts"),
  },
];
