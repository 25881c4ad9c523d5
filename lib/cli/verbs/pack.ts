/** `gtr pack` */
import { JSON_OPTION } from "../../common/verb.ts";
import { PACKING_MS, withGtd } from "../gtd.ts";
import type { Call } from "../io.ts";
import { note, printJson, printTable } from "../output.ts";
import { currentRepository } from "../repository.ts";
import type { Verb } from "../verb.ts";

export const verb: Verb = {
  summary: "show the packs that publishing would make",
  operands: [],
  options: [JSON_OPTION],
  details: ["Publishes nothing. For each pack: SHA-256, infohash, bytes, objects, magnet link."],
  examples: [{ command: "gtr pack --json", about: "the same, for programs" }],
  run,
};

/** Shows the packs that publishing would make. */
async function run(call: Call): Promise<void> {
  const { io } = call;
  const gitDir = (await currentRepository(io)).commonDir;
  const packs = await withGtd(
    call,
    PACKING_MS,
    "gtd to make packs",
    (gtd, wait) => gtd.plannedPacks({ gitDir }, wait),
  );
  if (call.options.json) return printJson(io, packs);
  if (packs.length === 0) return note(io, "no packs: nothing is committed on a shared branch");
  for (const [i, pack] of packs.entries()) {
    if (i > 0) io.stdout("\n");
    printTable(io, ["PACK", pack.sha256], [
      ["infohash", pack.infohash],
      ["size", `${pack.size} bytes`],
      ["objects", String(pack.objects)],
      ["magnet", pack.magnet],
    ]);
  }
}
