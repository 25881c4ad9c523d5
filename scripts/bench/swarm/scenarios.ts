/**
 * What `make bench-swarm` measures, and what it prints of it.
 *
 * @module
 */
import { join } from "node:path";
import { type LocalNode, plainEnvironment } from "../../local/node.ts";
import { type Environment, run } from "../../local/run.ts";
import type { Sandbox } from "../../local/sandbox.ts";
import { bytes, time } from "../table.ts";
import { LimitedNetwork } from "./limited_network.ts";
import { cloneAll, followAll, People } from "./people.ts";
import { byGitDaemon, byLibtorrent, type Distribution, hasLibtorrent } from "./references.ts";
import { commitBytes } from "./repository.ts";

/** What all scenarios work with. */
export interface SwarmBench {
  readonly sandbox: Sandbox;
  readonly schemes: readonly string[];
  /** Of each host's way out, as tc(8) writes it: "20mbit". */
  readonly rate: string;
  /** "git" and "libtorrent", or less. */
  readonly references: readonly string[];
  /** A folder for the logs. */
  readonly logs: string | undefined;
}

/** The most that times should be of git daemon's, by network and number of readers. */
const GOALS: Readonly<Record<string, number>> = {
  "torrent 8": 0.25,
  "torrent 24": 0.1,
  "holepunch 8": 0.35,
};

const step = (what: string) => console.error(`... ${what}`);

/** `count` readers clone at once; then one more does, whose publisher has gone. */
export async function clones(bench: SwarmBench, count: number, size: number): Promise<void> {
  const { sandbox, rate, references } = bench;
  step(`${count} readers, ${bytes(size)}`);
  const folder = join(sandbox.folder, `readers-${count}`);
  const env = environment(sandbox);
  const working = join(folder, "working");
  await makeRepository(working, size, env);
  const reference = join(folder, "reference.git");
  await run(["git", "clone", "--quiet", "--bare", `file://${working}`, reference], { env });
  await using network = await LimitedNetwork.make(count + 3, rate, env);
  const [first, publisher, late, ...readers] = network.hosts;
  const parts = { env, folder, reference, publisher: publisher!, readers };
  let git: Distribution | undefined;
  let libtorrent: Distribution | undefined;
  if (references.includes("git")) {
    step("git daemon");
    print(`${count} readers, git daemon`, git = await byGitDaemon(parts));
  }
  if (references.includes("libtorrent") && await hasLibtorrent(env)) {
    step("libtorrent");
    print(`${count} readers, libtorrent`, libtorrent = await byLibtorrent(parts));
  }
  for (const scheme of bench.schemes) {
    step(scheme);
    await using people = await People.begin(sandbox, scheme, `${scheme}-${count}`, first!);
    const source = await people.add("publisher", publisher!);
    const url = await publish(source, working);
    const nodes = await Promise.all(readers.map((host, n) => people.add(`reader${n}`, host)));
    const newcomer = await people.add("late", late!);
    const idle = await people.processorTime();
    const found = await cloneAll(url, publisher!, nodes);
    const busy = await people.processorTime() - idle;
    const notes = [`${(found.sent / size).toFixed(1)} copies`, `gtds: ${busy.toFixed(1)} CPU s`];
    if (git) notes.push(against(found, "git daemon", last(git), GOALS[`${scheme} ${count}`]));
    if (libtorrent) {
      const goal = scheme === "torrent" && count === 8 ? 1.15 : undefined;
      notes.push(against(found, "libtorrent", last(libtorrent), goal));
    }
    print(`${count} readers, ${scheme}`, found, ...notes);
    await source[Symbol.asyncDispose]();
    const gone = await cloneAll(url, publisher!, [newcomer]);
    print(`publisher gone, ${scheme}`, gone);
    if (bench.logs) await people.keepLogs(bench.logs);
  }
}

/** `count` followers hear of a publication of `size` bytes and fetch it. */
export async function publication(
  bench: SwarmBench,
  scheme: string,
  count: number,
  size: number,
): Promise<void> {
  const { sandbox, rate } = bench;
  step(`${count} followers, ${bytes(size)}, ${scheme}`);
  const env = environment(sandbox);
  const working = join(sandbox.folder, `followed-${scheme}`);
  await makeRepository(working, 100_000, env);
  await using network = await LimitedNetwork.make(count + 2, rate, env);
  const [first, publisher, ...hosts] = network.hosts;
  await using people = await People.begin(sandbox, scheme, `${scheme}-follow`, first!);
  const url = await publish(await people.add("publisher", publisher!), working);
  const nodes = await Promise.all(hosts.map((host, n) => people.add(`follower${n}`, host)));
  for (const node of nodes) await node.gtr("follow", url);
  const change = () => commitBytes(working, size, "second", env);
  const idle = await people.processorTime();
  const found = await followAll(publisher!, nodes, change);
  const busy = await people.processorTime() - idle;
  const inTurn = count * size * 8 * 1000 / bitsPerSecond(rate);
  const copies = `${(found.sent / size).toFixed(1)} copies`;
  const compared = against(found, `sending it to each in turn (${time(inTurn)})`, inTurn, 0.3);
  print(`${count} followers, ${scheme}`, found, copies, `gtds: ${busy.toFixed(1)} CPU s`, compared);
  if (bench.logs) await people.keepLogs(bench.logs);
}

function environment(sandbox: Sandbox): Environment {
  return {
    ...plainEnvironment(join(sandbox.folder, "gitconfig")),
    GIT_AUTHOR_NAME: "Bench",
    GIT_AUTHOR_EMAIL: "bench@example.org",
    GIT_COMMITTER_NAME: "Bench",
    GIT_COMMITTER_EMAIL: "bench@example.org",
  };
}

async function makeRepository(path: string, size: number, env: Environment): Promise<void> {
  await run(["git", "init", "--quiet", "--initial-branch=main", path], { env });
  await commitBytes(path, size, "first", env);
}

/** Shares it, and returns its address. */
async function publish(publisher: LocalNode, working: string): Promise<string> {
  const { stdout } = await publisher.run(["gtr", "init"], { cwd: working });
  return stdout.trim().split("\n")[0]!;
}

function last({ times }: Distribution): number {
  return Math.max(...times);
}

function print(what: string, found: Distribution, ...notes: string[]): void {
  const first = time(Math.min(...found.times));
  const line = `all after ${time(last(found))} (first ${first}), publisher sent ${
    bytes(found.sent)
  }`;
  console.log([`${what.padEnd(27)} ${line}`, ...notes].join("; "));
}

function against(found: Distribution, name: string, other: number, goal?: number): string {
  const ratio = last(found) / other;
  const met = goal !== undefined && ratio <= goal ? "met" : "missed";
  return `${ratio.toFixed(2)}x of ${name}${goal === undefined ? "" : ` (goal ${goal}x: ${met})`}`;
}

/** @throws {Error} it is not like "20mbit" */
function bitsPerSecond(rate: string): number {
  const [, figure, unit] = /^(\d+)([kmg]?)bit$/.exec(rate) ?? [];
  const factor = { "": 1, k: 1e3, m: 1e6, g: 1e9 }[unit ?? ""];
  if (!figure || !factor) throw new Error(`BENCH_RATE: ${rate} is not like 20mbit`);
  return Number(figure) * factor;
}
