/** `gtr daemon status` */
import { runningStatus } from "../gtd.ts";
import type { Call } from "../io.ts";
import { formatDuration, note, printJson } from "../output.ts";

/** Says whether gtd runs; exit code 1 where it doesn't. */
export async function run(call: Call): Promise<number> {
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
