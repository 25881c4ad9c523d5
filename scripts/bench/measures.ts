/**
 * The measures of `make bench`, in the order that they need each other.
 *
 * Clones are made without a working tree: writing it is the same work for everyone.
 *
 * @module
 */
import { join } from "node:path";
import type { LocalNode } from "../local/node.ts";
import type { Sandbox } from "../local/sandbox.ts";
import type { GitServer } from "./git_server.ts";
import { addCommits } from "./history.ts";
import { absolute, bytes, compare, type Row, time } from "./table.ts";

/** Milliseconds until a step is taken for stuck. */
export const DEADLINE_MS = 30_000;

/** What all measures work with. */
export interface Bench {
  readonly sandbox: Sandbox;
  readonly runs: number;
  readonly server: GitServer;
  /** The bare repository that git's own servers serve. */
  readonly reference: string;
  readonly publisher: LocalNode;
  /** The publisher's working repository: the same history. */
  readonly working: string;
  readonly url: string;
}

/**
 * First clones: each by a new node, or by git from git daemon. Ends with the last node.
 *
 * @param goal the most that the ratio should be
 * @param url of the same history as git daemon's
 */
export async function firstClones(
  bench: Bench,
  what: string,
  goal: number,
  url = bench.url,
): Promise<{ row: Row; reader: LocalNode }> {
  const { sandbox, server, publisher } = bench;
  const ours: number[] = [];
  const theirs: number[] = [];
  let reader = publisher;
  for (let i = 1; i <= bench.runs; i++) {
    if (reader !== publisher) await reader[Symbol.asyncDispose](); // one source, as git has one
    reader = await sandbox.node(`${what} ${i}`.replaceAll(" ", "-"), publisher);
    const native = ["clone", "--quiet", "--no-checkout", server.url("reference.git"), "native"];
    theirs.push((await reader.git(".", ...native)).ms);
    ours.push((await reader.git(".", "clone", "--quiet", "--no-checkout", url, "first")).ms);
  }
  return { row: compare(what, time, ours, theirs, "git://", { atMost: goal }), reader };
}

/** First clones of the same history where it is only announced: all comes live. */
export async function liveClones(bench: Bench): Promise<Row> {
  const { publisher } = bench;
  const clone = ["clone", "--quiet", "--no-checkout", `file://${bench.reference}`, "announced"];
  await publisher.git(".", ...clone);
  const cwd = join(publisher.folder, "announced");
  const init = await publisher.run(["gtr", "init", "--flow", "announce"], { cwd });
  const { row, reader } = await firstClones(bench, "live clone", 1.25, init.stdout.trim());
  await reader[Symbol.asyncDispose]();
  return row;
}

/**
 * Clones of a part, from the publisher: by a node whose store has nothing, so that all comes live.
 *
 * @param part the option that asks for it: "--depth=1"
 */
export async function partialClones(bench: Bench, reader: LocalNode, part: string): Promise<Row> {
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let i = 1; i <= bench.runs; i++) {
    const clone = ["clone", "--quiet", "--no-checkout", part];
    const native = bench.server.url("reference.git");
    theirs.push((await reader.git(".", ...clone, native, `native${part}${i}`)).ms);
    ours.push((await reader.git(".", ...clone, bench.url, `live${part}${i}`)).ms);
  }
  return compare(`clone ${part}`, time, ours, theirs, "git://", { atMost: 1.5 });
}

export async function secondClones(bench: Bench, reader: LocalNode): Promise<Row> {
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let i = 1; i <= bench.runs; i++) {
    const clone = ["clone", "--quiet", "--no-checkout"];
    theirs.push((await reader.git(".", ...clone, `file://${bench.reference}`, `file${i}`)).ms);
    ours.push((await reader.git(".", ...clone, bench.url, `second${i}`)).ms);
  }
  return compare("second clone", time, ours, theirs, "file://", { atMost: 0.15 });
}

export async function idleFetches(bench: Bench, reader: LocalNode): Promise<Row> {
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let i = 0; i < bench.runs; i++) {
    theirs.push((await reader.git("native", "fetch", "--quiet")).ms);
    ours.push((await reader.git("first", "fetch", "--quiet")).ms);
  }
  return compare("fetch of nothing new", time, ours, theirs, "git://");
}

export async function listings(bench: Bench, reader: LocalNode): Promise<Row> {
  const ours: number[] = [];
  for (let i = 0; i < bench.runs; i++) {
    ours.push((await reader.git(".", "ls-remote", "--quiet", bench.url)).ms);
  }
  return absolute("ls-remote", time, ours, 150);
}

/** Fetches of ten commits each: time, and bytes by way of a second clone from git daemon. */
export async function tenCommits(bench: Bench, reader: LocalNode): Promise<Row[]> {
  const { server, publisher } = bench;
  await reader.git(".", "clone", "-q", "--bare", server.countedUrl("reference.git"), "counted.git");
  const ours: number[] = [];
  const theirs: number[] = [];
  const ourBytes: number[] = [];
  const theirBytes: number[] = [];
  for (let i = 1; i <= bench.runs; i++) {
    const tip = await addCommits(bench.working, 10, i, publisher.env);
    await addCommits(bench.reference, 10, i, publisher.env);
    await seen(bench, reader, tip);
    theirs.push((await reader.git("native", "fetch", "--quiet")).ms);
    server.takeSent();
    await reader.git("counted.git", "fetch", "--quiet", "origin", "+refs/heads/*:refs/heads/*");
    theirBytes.push(server.takeSent());
    const before = await received(reader);
    ours.push((await reader.git("first", "fetch", "--quiet")).ms);
    const after = await received(reader);
    const isNew = (file: string) => !before.has(file);
    const [live] = [...after.keys()].filter(isNew).flatMap((file) => liveBytes(file) ?? []);
    ourBytes.push([...after].reduce((sum, [file, size]) => {
      // What came live was completed with what was here: its pack is larger than what was sent.
      return isNew(file) && !(live !== undefined && file.endsWith(".pack")) ? sum + size : sum;
    }, live ?? 0));
  }
  return [
    compare("fetch of 10 commits", time, ours, theirs, "git://", { atMost: 1.3 }),
    compare("bytes of 10 commits", bytes, ourBytes, theirBytes, "git://", { atMost: 1.2 }),
  ];
}

/** From the end of `git commit` until a reader's git sees it. */
export async function publications(bench: Bench, reader: LocalNode): Promise<Row> {
  const ours: number[] = [];
  for (let i = 1; i <= bench.runs; i++) {
    const tip = await addCommits(bench.working, 1, 100 + i, bench.publisher.env);
    ours.push(await seen(bench, reader, tip));
  }
  return absolute("commit to fetchable", time, ours, 1000);
}

export async function startUps(bench: Bench, reader: LocalNode): Promise<Row[]> {
  const measure = async (command: string[], input?: string) => {
    const values: number[] = [];
    for (let i = 0; i < bench.runs * 2; i++) values.push((await reader.run(command, { input })).ms);
    return values;
  };
  const helper = ["git-remote-torrent", "origin", bench.url];
  return [
    absolute("helper start-up", time, await measure(helper, "capabilities\n\n"), 60),
    absolute("gtr --version", time, await measure(["gtr", "--version"]), 60),
  ];
}

export async function memory(bench: Bench, reader: LocalNode): Promise<Row[]> {
  const fresh = await bench.sandbox.node("Idle", bench.publisher);
  const row = async (what: string, node: LocalNode, atMost?: number) =>
    absolute(what, bytes, [await node.memory()], atMost);
  return [
    await row("gtd's memory, idle", fresh, 120e6),
    await row("gtd's memory, after publishing", bench.publisher),
    await row("gtd's memory, after fetching", reader),
  ];
}

/** Milliseconds until `reader` sees `tip` as main. */
async function seen(bench: Bench, reader: LocalNode, tip: string): Promise<number> {
  const started = performance.now();
  while (performance.now() - started < DEADLINE_MS) {
    const { stdout } = await reader.git(".", "ls-remote", "--quiet", bench.url, "refs/heads/main");
    if (stdout.startsWith(tip)) return performance.now() - started;
  }
  throw new Error(`a commit was not published within ${DEADLINE_MS / 1000} s`);
}

/** How many bytes came live, by a line of gtd's log; undefined where it says nothing of that. */
function liveBytes(line: string): number | undefined {
  const [, bytes] = /: publication \d+, (\d+) bytes live$/.exec(line) ?? [];
  return bytes === undefined ? undefined : Number(bytes);
}

/**
 * The packs and the manifest in a reader's store, with their sizes: what a fetch adds came by wire.
 * And the lines of gtd's log, which tell how much came live.
 */
async function received(reader: LocalNode): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  const walk = async (folder: string): Promise<void> => {
    for await (const entry of Deno.readDir(folder)) {
      const path = join(folder, entry.name);
      if (entry.isDirectory) await walk(path);
      else if (entry.name.endsWith(".pack")) found.set(path, (await Deno.stat(path)).size);
      else if (entry.name === "manifest.json") {
        const { size, mtime } = await Deno.stat(path);
        found.set(`${path} ${mtime?.getTime()}`, size);
      }
    }
  };
  const home = reader.env.GTR_HOME!;
  await walk(join(home, "store"));
  const log = await Deno.readTextFile(join(home, "gtd.log")).catch(() => "");
  for (const line of log.split("\n")) found.set(line, 0);
  return found;
}
