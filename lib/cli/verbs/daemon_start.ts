/** `gtr daemon start` */
import { JSON_OPTION } from "../../common/verb.ts";
import { deadline } from "../../common/wait.ts";
import type { Call } from "../io.ts";
import { note, printJson } from "../output.ts";
import type { Verb } from "../verb.ts";

export const verb: Verb = {
  summary: "start gtd",
  operands: [],
  options: [JSON_OPTION],
  details: ["Does nothing if it runs already. Other commands start it when they need it."],
  examples: [{ command: "gtr daemon start", about: "start it now" }],
  run,
};

/** Starting is making the identity, opening the store, and joining the networks. */
const START_MS = 30_000;

/** Starts gtd where it doesn't run. */
async function run({ home, io, options, services }: Call): Promise<void> {
  using limit = deadline(START_MS, "gtd to start", io.signal, "gtr daemon logs may say why");
  const { pid, started } = await services.start(home, limit);
  if (options.json) printJson(io, { pid, started });
  else note(io, started ? `gtd is started, process ${pid}` : `gtd runs already, process ${pid}`);
}
