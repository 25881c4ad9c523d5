/**
 * `make bench-swarm`: many readers of one publisher, each on a host with a limited way out, against
 * `git daemon` and libtorrent in the same run. Needs root and iproute2.
 *
 * | variable           | default             | meaning                                        |
 * | ------------------ | ------------------- | ---------------------------------------------- |
 * | `BENCH_SCHEME`     | `torrent,holepunch` | networks                                       |
 * | `BENCH_READERS`    | `1,8,24`            | how many readers clone at once                 |
 * | `BENCH_FOLLOWERS`  | 20                  | how many follow a publication of 5 MB; 0: none |
 * | `BENCH_MB`         | 29; 12 from 16 on   | size of the repository                         |
 * | `BENCH_RATE`       | `20mbit`            | of each host's way out, as tc(8) writes it     |
 * | `BENCH_REFERENCES` | `git,libtorrent`    | what is measured besides; `none`               |
 * | `BENCH_LOGS`       |                     | a folder for the gtds' logs                    |
 *
 * @module
 */
import { clones, publication } from "./bench/swarm/scenarios.ts";
import { Sandbox } from "./local/sandbox.ts";

const PUBLICATION_BYTES = 5e6;
/** The repository for so many readers is smaller: else git daemon takes minutes. */
const MANY_READERS = 16;

const text = (name: string, byDefault: string) => Deno.env.get(name) || byDefault;
const words = (name: string, byDefault: string) =>
  text(name, byDefault).split(",").filter((word) => word !== "none");

async function bench(sandbox: Sandbox): Promise<void> {
  const schemes = words("BENCH_SCHEME", "torrent,holepunch");
  const options = {
    sandbox,
    schemes,
    rate: text("BENCH_RATE", "20mbit"),
    references: words("BENCH_REFERENCES", "git,libtorrent"),
    logs: Deno.env.get("BENCH_LOGS"),
  };
  const followers = Number(text("BENCH_FOLLOWERS", "20"));
  console.log(`Every host's way out: ${options.rate}.`);
  for (const count of words("BENCH_READERS", "1,8,24").map(Number)) {
    const megabytes = Number(text("BENCH_MB", count >= MANY_READERS ? "12" : "29"));
    await clones(options, count, megabytes * 1e6);
  }
  for (const scheme of followers > 0 ? schemes : []) {
    await publication(options, scheme, followers, PUBLICATION_BYTES);
  }
}

try {
  await Sandbox.with("gtr-bench-swarm-", bench);
} catch (error) {
  console.error(`bench-swarm: ${(error as Error).message}`);
  Deno.exit(1);
}
Deno.exit(0);
