/**
 * Puts small faults into the code, one at a time, and prints those that no test notices.
 *
 *     deno run -A scripts/mutants.ts
 *
 * It works on copies of the tree. Each fault is one mistake: a check dropped, a condition inverted, a
 * bound moved by one, an `await` forgotten. Faults that aren't valid TypeScript don't count. The unit
 * and contract tests that import the file, at once or by way of others, run until one fails: the
 * nearest first, as many as take a minute. One that hangs has noticed, too.
 *
 * The environment says which: `SEED`, a number that stands for an order of faults (1); `COUNT`, how many
 * (100); `ROOMS`, names in scripts/mutants/rooms.ts, folders or files, joined by commas (all rooms);
 * `LANES`, how many at a time (1).
 *
 * @module
 */
import { join } from "node:path";
import { environmentNumber } from "./local/environment_number.ts";
import { Concerned } from "./mutants/concerned.ts";
import { Copy } from "./mutants/copy.ts";
import { describe, type Fault, faultsIn, inTurn, shuffled } from "./mutants/faults.ts";
import { Clean, hunt } from "./mutants/hunt.ts";
import { roomFiles } from "./mutants/rooms.ts";

const ROOT = join(import.meta.dirname!, "..");

interface Target extends Fault {
  readonly room: string;
}

const seed = environmentNumber("SEED", 1);
const wanted = environmentNumber("COUNT", 100);
const lanes = environmentNumber("LANES", 1);
const rooms = await roomFiles(ROOT, Deno.env.get("ROOMS")?.split(",").filter(Boolean));

/** The faults of all rooms: those of one room are shuffled, and rooms take turns. */
async function targets(): Promise<Target[]> {
  const lists = await Promise.all([...rooms].map(async ([room, files]) => {
    const faults = shuffled(await faultsIn(ROOT, files), seed);
    return faults.map((fault) => ({ ...fault, room }));
  }));
  return inTurn(lists);
}

const score = new Map([...rooms.keys()].map((room) => [room, { noticed: 0, all: 0 }]));
const concerned = await Concerned.read(ROOT);
const clean = new Clean();
const faults = (await targets()).values();
let counted = 0;

async function lane(): Promise<void> {
  await using copy = await Copy.make(ROOT);
  for (const fault of faults) {
    if (counted >= wanted) return;
    counted++; // taken back where it doesn't count
    const verdict = await hunt(fault, copy, concerned, clean);
    if (verdict === "invalid") {
      counted--;
      continue;
    }
    const room = score.get(fault.room)!;
    room.all++;
    if (verdict !== "survived") room.noticed++;
    else console.log(`${counted}: ${describe(await copy.read(fault.file), fault)}`);
  }
}

function share(noticed: number, all: number): string {
  return `${noticed} of ${all} noticed (${(100 * noticed / Math.max(1, all)).toFixed(0)} %)`;
}

await Promise.all(Array.from({ length: lanes }, lane));
console.log("");
for (const [room, { noticed, all }] of score) console.log(`${room}: ${share(noticed, all)}`);
const noticed = [...score.values()].reduce((sum, room) => sum + room.noticed, 0);
console.log(`seed ${seed}: ${share(noticed, counted)}`);
