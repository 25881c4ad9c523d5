/**
 * `make chaos`: hurts the built programs at random moments, and looks whether anything was lost.
 *
 * Each round begins something (a publication, a push, a clone, a fetch, several at once), and does
 * something to one person's gtd, helper, git, disk, network or clock meanwhile. Afterwards everything
 * that was acknowledged has to be there for others, everything has to have ended, and `git fsck` must
 * find every store and clone sound. Linux only.
 *
 * | variable       | default | meaning                                                     |
 * | -------------- | ------- | ----------------------------------------------------------- |
 * | `CHAOS_ROUNDS` | 200     | how many rounds                                             |
 * | `CHAOS_SEED`   | 1       | decides what is done; moments differ with the machine       |
 * | `CHAOS_FIRST`  | 1       | the number of the first round, to repeat one                |
 * | `CHAOS_LOGS`   |         | a folder for the gtds' logs of rounds that went wrong       |
 *
 * @module
 */
import { join } from "node:path";
import { allFaults, type Fault, NOTHING } from "./chaos/faults.ts";
import { Hang, type Person } from "./chaos/person.ts";
import { Loss, World } from "./chaos/world.ts";
import { environmentNumber } from "./local/environment_number.ts";
import { Random } from "./local/random.ts";
import { Sandbox } from "./local/sandbox.ts";

const ROUNDS = environmentNumber("CHAOS_ROUNDS", 200);
const SEED = environmentNumber("CHAOS_SEED", 1);
const FIRST = environmentNumber("CHAOS_FIRST", 1);
const LOGS = Deno.env.get("CHAOS_LOGS");
/** So often somebody new clones while Alice is away. */
const SERVED_EVERY = 10;
/** Bytes of a new file, at least and at most. */
const LEAST = 100;
const MOST = 300_000;
/** The fault comes within this time after the beginning. */
const MOMENT_MS = 1000;

const total = { losses: 0, hangs: 0, unsound: 0, missed: 0 };

/** Text that doesn't compress well, now short, now long. */
function content(random: Random): string {
  const length = Math.floor(LEAST * (MOST / LEAST) ** random.next());
  return Uint8Array.from({ length }, () => random.below(256)).toBase64();
}

/** What is begun in a round, by whom. */
const ALICES = ["share", "push"] as const;
const BOBS = ["fetch", "clone", "shallow clone"] as const;
type Action = (typeof ALICES)[number] | (typeof BOBS)[number];

const isAlices = (action: Action) => ALICES.some((one) => one === action);

/** Something of Alice's, something of Bob's, or both; by a helper, if the fault is for helpers. */
function plan({ needs }: Fault, random: Random): Action[] {
  const alices = needs === "helper" ? "push" : ALICES[random.below(2)]!;
  const pair: Action[] = [alices, BOBS[random.below(3)]!];
  const one = random.below(4);
  return one < 2 ? [pair[one]!] : pair;
}

/** Prepares an action; it starts when called. */
async function prepare(action: Action, world: World, random: Random): Promise<() => Promise<void>> {
  switch (action) {
    case "share":
      return await world.share(content(random));
    case "push":
      return await world.push(content(random), random);
    case "fetch":
      return () => world.fetch();
    case "clone":
      return () => world.clone();
    case "shallow clone":
      return () => world.clone("--depth=1");
  }
}

async function round(world: World, faults: readonly Fault[], n: number): Promise<void> {
  const random = new Random(SEED * 1_000_003 + n);
  const started = performance.now();
  const fault = faults[(n - 1) % faults.length]!; // each as often as any other
  const after = fault.needs ? 0 : Math.floor(MOMENT_MS * random.next() ** 2);
  const planned = plan(fault, random);
  const acting = world.people.filter((_, i) => planned.some((one) => (i === 0) === isAlices(one)));
  // Mostly one who does something.
  const candidates = fault.needs || random.below(5) > 0 ? acting : world.people;
  const person = candidates[random.below(candidates.length)]!;
  let what = `${planned.join(" and ")}, ${fault.name} of ${person.name} after ${after} ms`;
  world.outcomes.length = 0;
  try {
    if (fault.env) await restart(person, await fault.env(person));
    const begin: (() => Promise<void>)[] = [];
    for (const action of planned) begin.push(await prepare(action, world, random));
    const strike = async () => {
      await new Promise((resolve) => setTimeout(resolve, after));
      const done = await fault.strike(person, random);
      if (done === NOTHING) total.missed++;
      what += ` (${done})`;
    };
    await settled([strike(), ...begin.map((start) => start())]);
    if (fault.env) await restart(person, {});
    await world.examine();
    if (n % SERVED_EVERY === 0 || n === FIRST + ROUNDS - 1) await world.served(n);
    console.log(`${n}: ${what}: ok, ${seconds(started)}`);
  } catch (error) {
    world.signal.throwIfAborted();
    total[error instanceof Loss ? "losses" : error instanceof Hang ? "hangs" : "unsound"]++;
    console.log(`${n}: ${what}: ${(error as Error).message}, ${seconds(started)}`);
    for (const outcome of world.outcomes) console.log(`  ${outcome}`);
    if (LOGS) await saveLogs(world, join(LOGS, String(n)));
    person.env = {};
  }
}

/** Waits for all of them before the first failure is thrown. */
async function settled(promises: readonly Promise<void>[]): Promise<void> {
  const ended = await Promise.allSettled(promises);
  const failed = ended.find((end) => end.status === "rejected");
  if (failed) throw failed.reason;
}

/** Has a person's gtd run in another environment. */
async function restart(person: Person, env: Record<string, string>): Promise<void> {
  await person.attempt(".", "gtr", "daemon", "stop");
  person.env = env;
  await person.succeed(".", "gtr", "daemon", "start");
}

async function saveLogs(world: World, folder: string): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  for (const person of world.people) {
    await Deno.copyFile(join(person.home, "gtd.log"), join(folder, `${person.name}.log`)).catch(
      () => {},
    );
  }
}

const seconds = (since: number) => `${((performance.now() - since) / 1000).toFixed(1)} s`;

async function chaos(sandbox: Sandbox): Promise<void> {
  const started = performance.now();
  const world = await World.make(sandbox);
  const all = await allFaults(world.can.network, world.can.disk);
  for (const { name, missing } of all) {
    if (missing) console.log(`left out: ${name} (needs ${missing})`);
  }
  const faults = all.filter(({ missing }) => missing === undefined);
  for (let n = FIRST; n < FIRST + ROUNDS; n++) await round(world, faults, n);
  const { losses, hangs, unsound, missed } = total;
  console.log(
    `${ROUNDS} rounds in ${
      seconds(started)
    } (seed ${SEED}): ${world.promises.count} acknowledged, ` +
      `${missed} faults hit nothing, ${losses} losses, ${hangs} hangs, ${unsound} other failures`,
  );
}

try {
  await Sandbox.with("gtr-chaos-", chaos);
} catch (error) {
  console.error(`chaos: ${(error as Error).message}`);
  Deno.exit(1);
}
Deno.exit(total.losses + total.hangs + total.unsound > 0 ? 1 : 0);
