/** `gtr daemon start` */
import { deadline } from "../../common/wait.ts";
import type { Call } from "../io.ts";
import { note, printJson } from "../output.ts";

/** Starting is making the identity, opening the store, and joining the networks. */
const START_MS = 30_000;

/** Starts gtd where it doesn't run. */
export async function run({ home, io, options, services }: Call): Promise<void> {
  using limit = deadline(START_MS, "gtd to start", io.signal, "gtr daemon logs may say why");
  const { pid, started } = await services.start(home, limit);
  if (options.json) printJson(io, { pid, started });
  else note(io, started ? `gtd is started, process ${pid}` : `gtd runs already, process ${pid}`);
}
