/** `gtr bundle import` */
import { resolve } from "node:path";
import { PACKING_MS, withGtd } from "../gtd.ts";
import type { Call } from "../io.ts";
import { note, printJson } from "../output.ts";

/** Takes over what a bundle holds, and prints its address. */
export async function run(call: Call): Promise<void> {
  const { io, options } = call;
  const [operand] = call.operands as [string];
  const file = resolve(io.cwd, operand);
  const { address, sequence, changed } = await withGtd(
    call,
    PACKING_MS,
    "the bundle to be imported",
    (gtd, wait) => gtd.importBundle({ file }, wait),
  );
  if (options.json) return printJson(io, { address, sequence, changed });
  if (!changed) note(io, "all that is in it was here already");
  io.stdout(`${address}\n`);
}
