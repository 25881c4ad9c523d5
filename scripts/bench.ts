/**
 * `make bench`: gtr against git and aria2c, all in one run, on loopback.
 *
 * `BENCH_REPO=path` measures with that repository instead of the made-up one, `BENCH_RUNS=n` takes
 * the median of that many runs (default 5).
 *
 * @module
 */
import { join } from "node:path";
import { downloads } from "./bench/download.ts";
import { GitServer } from "./bench/git_server.ts";
import { makeHistory, sizeOf } from "./bench/history.ts";
import * as measures from "./bench/measures.ts";
import { holepunchMeasures } from "./bench/holepunch.ts";
import { nostrMeasures } from "./bench/nostr.ts";
import { absolute, bytes, type Row, table, time } from "./bench/table.ts";
import { hyperdhtFigures } from "./bench/hyperdht.ts";
import { udxThroughput } from "./bench/udx.ts";
import { environmentNumber } from "./local/environment_number.ts";
import { plainEnvironment } from "./local/node.ts";
import { run } from "./local/run.ts";
import { Sandbox } from "./local/sandbox.ts";

async function bench(sandbox: Sandbox): Promise<void> {
  const runs = environmentNumber("BENCH_RUNS", 5);
  const chosen = Deno.env.get("BENCH_REPO");
  const env = plainEnvironment("/dev/null");
  const step = (what: string) => console.error(`... ${what}`);

  step(chosen ? `copying ${chosen}` : "making a repository");
  const reference = join(sandbox.folder, "reference.git");
  if (chosen) await copyRepository(await Deno.realPath(chosen), reference);
  else await makeHistory(reference, env);
  await run(["git", "-C", reference, "config", "uploadpack.allowFilter", "true"], { env });
  const size = await sizeOf(reference, env);
  const server = await GitServer.start(sandbox.folder, env);
  sandbox.defer(() => server[Symbol.asyncDispose]());

  step("publishing it");
  const publisher = await sandbox.node("Publisher");
  const working = join(publisher.folder, "bench");
  await publisher.git(".", "clone", "--quiet", "--no-checkout", `file://${reference}`, "bench");
  const init = await publisher.run(["gtr", "init"], { cwd: working });
  const shared = { sandbox, runs, server, reference, publisher, working, url: init.stdout.trim() };

  const rows: Row[] = [absolute("gtr init (first publication)", time, [init.ms])];
  step("clones of a part");
  const live = await sandbox.node("Live", publisher);
  for (const part of ["--depth=1", "--filter=blob:none"]) {
    rows.push(await measures.partialClones(shared, live, part));
  }
  await live[Symbol.asyncDispose]();
  step("live clones");
  rows.push(await measures.liveClones(shared));
  step("first clones");
  const { row, reader } = await measures.firstClones(shared, "first clone", 1.25);
  rows.push(row);
  step("second clones");
  rows.push(await measures.secondClones(shared, reader));
  step("fetches and listings");
  rows.push(await measures.idleFetches(shared, reader), await measures.listings(shared, reader));
  step("downloads");
  rows.push(await downloads(shared));
  step("fetches of ten commits");
  rows.push(...await measures.tenCommits(shared, reader));
  step("publications");
  rows.push(await measures.publications(shared, reader));
  step("starts and memory");
  rows.push(...await measures.startUps(shared, reader), ...await measures.memory(shared, reader));
  step("Nostr");
  rows.push(...await nostrMeasures(shared, Math.min(runs, 3)));
  step("Holepunch");
  rows.push(...await holepunchMeasures(shared, runs));
  step("UDX");
  rows.push(...await udxThroughput(Math.min(runs, 3)));
  step("HyperDHT");
  rows.push(...await hyperdhtFigures());

  console.log(
    `${chosen ? "A repository" : "A made-up repository"} of ${size.objects} objects, ` +
      `${bytes(size.bytes)}; medians of ${runs} runs (least - most).\n`,
  );
  console.log(table(rows));
}

/** A bare copy whose branch is called main, as git would serve it. */
async function copyRepository(from: string, to: string): Promise<void> {
  const env = plainEnvironment("/dev/null");
  await run(["git", "clone", "--quiet", "--bare", "--single-branch", from, to], { env });
  const git = (...args: string[]) => run(["git", "-C", to, ...args], { env });
  const branch = (await git("symbolic-ref", "--short", "HEAD")).stdout.trim();
  if (branch !== "main") await git("branch", "-m", branch, "main");
  await git("remote", "remove", "origin");
  await git("repack", "-a", "-d", "-q");
}

try {
  await Sandbox.with("gtr-bench-", bench);
} catch (error) {
  console.error(`bench: ${(error as Error).message}`);
  Deno.exit(1);
}
Deno.exit(0);
