/** `gtr bundle import` */
import { resolve } from "node:path";
import { JSON_OPTION } from "../../common/verb.ts";
import { PACKING_MS, withGtd } from "../gtd.ts";
import type { Call } from "../io.ts";
import { note, printJson } from "../output.ts";
import type { Verb } from "../verb.ts";

export const verb: Verb = {
  summary: "import a repository from such a file, and print its address",
  operands: [{ form: "<file>", about: "a file that gtr bundle export made" }],
  options: [JSON_OPTION],
  details: [
    "Signature, sequence, hashes and completeness are checked as for a fetch from a network. From " +
    "then on the repository is followed, as by gtr follow, and git clone <address> works with no " +
    "network at all.",
  ],
  examples: [{ command: "gtr bundle import /media/usb/hello.gtr", about: "from a usb stick" }],
  run,
};

/** Takes over what a bundle holds, and prints its address. */
async function run(call: Call): Promise<void> {
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
