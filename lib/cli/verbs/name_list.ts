/** `gtr name list` */
import { Names } from "../../identity/names.ts";
import type { Call } from "../io.ts";
import { note, printJson, printTable } from "../output.ts";

/** Lists the names and whom they stand for. */
export async function run({ home, io, options }: Call): Promise<void> {
  const names = await new Names(home.names).list();
  if (options.json) return printJson(io, names);
  if (names.length === 0) return note(io, "no names yet; gtr name add <name> <publisher>");
  printTable(
    io,
    ["NAME", "PUBLISHER", "FROM"],
    names.map(({ name, publisher, from }) => [name, publisher, from ?? "-"]),
  );
}
