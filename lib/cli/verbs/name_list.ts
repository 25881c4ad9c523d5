/** `gtr name list` */
import { JSON_OPTION } from "../../common/verb.ts";
import { Names } from "../../identity/names.ts";
import type { Call } from "../io.ts";
import { note, printJson, printTable } from "../output.ts";
import type { Verb } from "../verb.ts";

export const verb: Verb = {
  summary: "list the names you gave",
  operands: [],
  options: [JSON_OPTION],
  details: ["Imported names are listed with the domain that gave them."],
  examples: [{ command: "gtr name list", about: "names, and whom they stand for" }],
  run,
};

/** Lists the names and whom they stand for. */
async function run({ home, io, options }: Call): Promise<void> {
  const names = await new Names(home.names).list();
  if (options.json) return printJson(io, names);
  if (names.length === 0) return note(io, "no names yet; gtr name add <name> <publisher>");
  printTable(
    io,
    ["NAME", "PUBLISHER", "FROM"],
    names.map(({ name, publisher, from }) => [name, publisher, from ?? "-"]),
  );
}
