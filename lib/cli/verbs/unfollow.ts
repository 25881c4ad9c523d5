/** `gtr unfollow` */
import { JSON_OPTION } from "../../common/verb.ts";
import { withGtd } from "../gtd.ts";
import type { Call } from "../io.ts";
import { note, printJson } from "../output.ts";
import type { Verb } from "../verb.ts";

export const verb: Verb = {
  summary: "stop following a repository and remove its copy",
  operands: [{ form: "<address>", about: "the repository to stop following" }],
  options: [
    { form: "--keep", about: "keep the copy, as if it had only been cloned" },
    JSON_OPTION,
  ],
  details: [
    "Also removes the copy of a repository that was only cloned. Your clones are not touched.",
  ],
  examples: [
    { command: "gtr unfollow torrent://bob/tools", about: "stop, and free its space" },
  ],
  run,
};

/** An update under way is ended first; what is left is removing files. */
const REMOVE_MS = 120_000;

/** Ends following a repository, and removes its copy unless it is to be kept. */
async function run(call: Call): Promise<void> {
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
