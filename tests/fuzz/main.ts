/**
 * `make fuzz`: reads a million inputs that nobody meant, with all that reads what strangers send.
 *
 * | variable       | default   | meaning                                            |
 * | -------------- | --------- | -------------------------------------------------- |
 * | `FUZZ_INPUTS`  | 1000000   | how many, over all targets                         |
 * | `FUZZ_SEED`    | 1         | makes the inputs: the same seed makes the same     |
 * | `FUZZ_TARGETS` | all       | names, with commas                                 |
 * | `FUZZ_SECONDS` | 1200      | that one target may take at most                   |
 *
 * An input that finds a fault is kept in `tests/fuzz/corpus/<target>/`.
 *
 * @module
 */
import { environmentNumber } from "../../scripts/local/environment_number.ts";
import { fuzz } from "./fuzz.ts";
import { shareOf, SHARES } from "./targets.ts";

const count = environmentNumber("FUZZ_INPUTS", 1_000_000);
const seed = environmentNumber("FUZZ_SEED", 1);
const ms = environmentNumber("FUZZ_SECONDS", 1200) * 1000;
const targets = Deno.env.get("FUZZ_TARGETS")?.split(",") ?? Object.keys(SHARES);

const started = performance.now();
let inputs = 0;
let faults = 0;
for (const target of targets) {
  if (SHARES[target] === undefined) {
    console.error(`fuzz: no such target: ${target} (there are: ${Object.keys(SHARES).join(", ")})`);
    Deno.exit(2);
  }
  const share = targets.length === 1 ? count : shareOf(target, count);
  const outcome = await fuzz(target, { count: share, seed, ms });
  inputs += outcome.inputs;
  const seconds = outcome.ms / 1000;
  console.log(
    `${target.padEnd(12)} ${String(outcome.inputs).padStart(8)} inputs, ` +
      `${String(outcome.accepted).padStart(7)} accepted, ${seconds.toFixed(1).padStart(6)} s, ` +
      `${(outcome.inputs / seconds).toFixed(0).padStart(6)}/s, ` +
      `${(outcome.memory / 2 ** 20).toFixed(0).padStart(4)} MiB`,
  );
  if (outcome.fault === undefined) continue;
  faults++;
  console.log(`  fault: ${outcome.fault}\n  kept as ${outcome.crasher}`);
}
const seconds = ((performance.now() - started) / 1000).toFixed(1);
console.log(`${inputs} inputs in ${seconds} s (seed ${seed}): ${faults} faults`);
Deno.exit(faults > 0 ? 1 : 0);
