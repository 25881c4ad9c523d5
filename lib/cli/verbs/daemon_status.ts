/** `gtr daemon status` */
import { JSON_OPTION } from "../../common/verb.ts";
import { runningStatus } from "../gtd.ts";
import type { Call } from "../io.ts";
import { formatDuration, note, printJson } from "../output.ts";
import type { Verb } from "../verb.ts";

export const verb: Verb = {
  summary: "say whether gtd runs; exit code 1 if it doesn't",
  operands: [],
  options: [JSON_OPTION],
  details: ["Never starts it."],
  examples: [{ command: "gtr daemon status", about: "version, process id and uptime" }],
  run,
};

/** Says whether gtd runs; exit code 1 where it doesn't. */
async function run(call: Call): Promise<number> {
  const { io, options } = call;
  const daemon = (await runningStatus(call))?.daemon;
  if (options.json) printJson(io, { running: daemon !== undefined, ...daemon });
  else if (!daemon) note(io, "gtd does not run");
  else {
    const { pid, version, uptimeSeconds } = daemon;
    io.stdout(`gtd ${version}, process ${pid}, up ${formatDuration(uptimeSeconds)}\n`);
  }
  return daemon ? 0 : 1;
}
