/**
 * Nostr with one relay and one Blossom server of this machine, against git's own server.
 *
 * @module
 */
import { join } from "node:path";
import { startBlossom, startRelay } from "../../tests/fixtures/nostr/servers.ts";
import { run } from "../local/run.ts";
import type { Bench } from "./measures.ts";
import { compare, type Row, time } from "./table.ts";

/** First publications and first clones, each by new nodes, one at a time. */
export async function nostrMeasures(
  { sandbox, server, reference }: Bench,
  runs: number,
): Promise<Row[]> {
  await using relay = await startRelay();
  await using blossom = await startBlossom();
  const network = { HOME: sandbox.folder, GTR_TRANSPORTS: "nostr" };
  const pushed: number[][] = [[], []];
  const cloned: number[][] = [[], []];
  for (let i = 1; i <= runs; i++) {
    await using publisher = await sandbox.node(`NostrPublisher${i}`, undefined, {
      ...network,
      GTR_NOSTR_RELAYS: relay.url,
      GTR_NOSTR_BLOSSOM: blossom.url,
    });
    const { env } = publisher;
    const target = join(sandbox.folder, `pushed-${i}.git`);
    await run(["git", "init", "--quiet", "--bare", target], { env });
    await run(["git", "-C", target, "config", "daemon.receivepack", "true"], { env });
    await publisher.git(".", "clone", "--quiet", "--no-checkout", `file://${reference}`, "bench");
    const native = server.url(`pushed-${i}.git`);
    pushed[1]!.push((await publisher.git("bench", "push", "--quiet", native, "main")).ms);
    const working = join(publisher.folder, "bench");
    const init = await publisher.run(["gtr", "init", "--name", `bench-${i}`], { cwd: working });
    pushed[0]!.push(init.ms);

    await using reader = await sandbox.node(`NostrReader${i}`, undefined, network);
    const clone = ["clone", "--quiet", "--no-checkout"];
    const url = server.url("reference.git");
    cloned[1]!.push((await reader.git(".", ...clone, url, "native")).ms);
    cloned[0]!.push((await reader.git(".", ...clone, init.stdout.trim(), "nostr")).ms);
  }
  return [
    compare("nostr: first publication", time, pushed[0]!, pushed[1]!, "git push, git://"),
    compare("nostr: first clone", time, cloned[0]!, cloned[1]!, "git://", { atMost: 1.5 }),
  ];
}
