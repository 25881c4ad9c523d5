/** `gtr unfollow` */
import { withGtd } from "../gtd.ts";
import type { Call } from "../io.ts";
import { note, printJson } from "../output.ts";

/** An update under way is ended first; what is left is removing files. */
const REMOVE_MS = 120_000;

/** Ends following a repository, and removes its copy unless it is to be kept. */
export async function run(call: Call): Promise<void> {
  const { io, operands: [url], options } = call;
  const outcome = await withGtd(
    call,
    REMOVE_MS,
    "gtd to end following",
    (gtd, wait) => gtd.unfollow({ url: url!, keep: options.keep ?? false }, wait),
  );
  const { address, removed, warning } = outcome;
  if (warning !== undefined) note(io, `warning: ${warning}`);
  if (options.json) printJson(io, { address, removed });
  note(io, `no longer following ${address}; its copy is ${removed ? "removed" : "kept"}`);
}
