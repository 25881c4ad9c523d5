/** `gtr daemon stop` */
import { JSON_OPTION } from "../../common/verb.ts";
import { deadline } from "../../common/wait.ts";
import type { Call } from "../io.ts";
import { note, printJson } from "../output.ts";
import type { Verb } from "../verb.ts";

export const verb: Verb = {
  summary: "stop gtd",
  operands: [],
  options: [JSON_OPTION],
  details: ["What you share can't be fetched from this computer until it runs again."],
  examples: [{ command: "gtr daemon stop", about: "stop it" }],
  run,
};

/** gtd finishes what it writes before it ends. */
const STOP_MS = 30_000;

/** Stops gtd where it runs. */
async function run({ home, io, options, services }: Call): Promise<void> {
  using limit = deadline(STOP_MS, "gtd to stop", io.signal, "gtr daemon logs may say why");
  const stopped = await services.stop(home, limit);
  if (options.json) printJson(io, { stopped });
  else note(io, stopped ? "gtd is stopped" : "gtd did not run");
}
