/**
 * Holepunch on a HyperDHT of this machine, against git's own server.
 *
 * @module
 */
import { join } from "node:path";
import type { LocalNode } from "../local/node.ts";
import type { Bench } from "./measures.ts";
import { compare, type Row, time } from "./table.ts";

/** First clones, each by a new node whose gtd is up and in the network. */
export async function holepunchMeasures(
  { sandbox, server, reference }: Bench,
  runs: number,
): Promise<Row[]> {
  const node = (name: string, bootstrap: string) =>
    sandbox.node(name, undefined, {
      GTR_TRANSPORTS: "holepunch",
      GTR_HOLEPUNCH_HOST: "127.0.0.1",
      GTR_HOLEPUNCH_BOOTSTRAP: bootstrap,
    });
  await using first = await node("HolepunchFirst", "none");
  const bootstrap = await addressOf(first);
  await using publisher = await node("HolepunchPublisher", bootstrap);
  await publisher.git(".", "clone", "--quiet", "--no-checkout", `file://${reference}`, "bench");
  const init = await publisher.run(["gtr", "init"], { cwd: join(publisher.folder, "bench") });
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let i = 1; i <= runs; i++) {
    await using reader = await node(`HolepunchReader${i}`, bootstrap);
    await addressOf(reader); // it is in the network then, as a gtd that runs for a while is
    const clone = ["clone", "--quiet", "--no-checkout"];
    theirs.push((await reader.git(".", ...clone, server.url("reference.git"), "native")).ms);
    ours.push((await reader.git(".", ...clone, init.stdout.trim(), "first")).ms);
  }
  return [compare("holepunch: first clone", time, ours, theirs, "git://", { atMost: 1.3 })];
}

/** Where the node's HyperDHT can be joined; empty where it joined another's. */
async function addressOf(node: LocalNode): Promise<string> {
  return String((await node.status()).transports.holepunch?.dht ?? "");
}
