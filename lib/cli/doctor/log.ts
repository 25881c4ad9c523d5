/**
 * Whether gtd can write its log, and whether its last run ended well.
 *
 * @module
 */
import { formatBytes } from "../output.ts";
import { lastLines } from "../tail.ts";
import { type Check, ok, warning } from "./check.ts";

export const log: Check = {
  what: "log",
  ms: 10_000,
  run: async ({ call: { home }, gtd }) => {
    const end = await lastLines(home.log, 1);
    if (!end) return [ok("log", "gtd has written none yet")];
    const [running, last] = [await gtd(), end.text.trim()];
    if (running || last === "" || last.endsWith("gtd stopped")) {
      return [ok("log", `${home.log}, ${formatBytes(end.size)}`)];
    }
    return [
      warning("log", `gtd did not end by itself; its last words: ${last}`, "gtr daemon logs"),
    ];
  },
};
