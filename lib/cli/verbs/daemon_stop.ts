/** `gtr daemon stop` */
import { deadline } from "../../common/wait.ts";
import type { Call } from "../io.ts";
import { note, printJson } from "../output.ts";

/** gtd finishes what it writes before it ends. */
const STOP_MS = 30_000;

/** Stops gtd where it runs. */
export async function run({ home, io, options, services }: Call): Promise<void> {
  using limit = deadline(STOP_MS, "gtd to stop", io.signal, "gtr daemon logs may say why");
  const stopped = await services.stop(home, limit);
  if (options.json) printJson(io, { stopped });
  else note(io, stopped ? "gtd is stopped" : "gtd did not run");
}
