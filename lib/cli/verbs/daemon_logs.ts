/** `gtr daemon logs` */
import { UsageError } from "../../common/errors.ts";
import { printable } from "../../common/printable.ts";
import type { Call } from "../io.ts";
import { followFile, lastLines } from "../tail.ts";
import { note } from "../output.ts";
import type { Verb } from "../verb.ts";

export const verb: Verb = {
  summary: "print the end of gtd's log",
  operands: [],
  options: [
    { form: "-n, --lines <count>", about: "lines to print (default: 20)" },
    { form: "-f, --follow", about: "keep printing what is added" },
  ],
  details: [],
  examples: [{ command: "gtr daemon logs -f", about: "watch it work" }],
  run,
};

const DEFAULT_LINES = 20;

/** Prints the end of gtd's log, and with --follow what is added to it. */
async function run({ home, io, options }: Call): Promise<void> {
  const count = options.lines === undefined ? DEFAULT_LINES : wholeNumber(options.lines);
  const end = await lastLines(home.log, count);
  if (end) io.stdout(printable(end.text));
  else if (!options.follow) note(io, `gtd has written no log yet: ${home.log}`);
  if (!options.follow) return;
  await home.ensure();
  for await (const text of followFile(home.log, end?.size ?? 0, io.signal)) {
    io.stdout(printable(text));
  }
}

function wholeNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new UsageError("usage", `can't print '${text}' lines: that is not a number`, {
    hint: "gtr daemon logs -n 100",
  });
}
