/** `gtr name remove` */
import { Names } from "../../identity/names.ts";
import type { Call } from "../io.ts";
import type { Verb } from "../verb.ts";

export const verb: Verb = {
  summary: "forget the name of a publisher",
  operands: [{ form: "<name>", about: "what you called them", offer: "petname" }],
  options: [],
  details: [],
  examples: [{ command: "gtr name remove bob", about: "forget bob" }],
  run,
};

/** Forgets a name. */
async function run({ home, operands }: Call): Promise<void> {
  const [name] = operands as [string];
  await new Names(home.names).remove(name);
}
