/** One address, many networks: a clone outlives the end of the network that it began on. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { noise } from "./history.ts";
import { Node } from "./node.ts";
import { SlowLine } from "./slow_line.ts";
import { until } from "./until.ts";

/** Characters of the large file; packed they are about three quarters of it. */
const LARGE = 6_000_000;
/** Bytes per second of the network that is to die in the middle. */
const RATE = 600_000;
/** When it dies: so many bytes are here. */
const ENOUGH = 1_000_000;

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/**
 * Alice, who shares "hello" over https, and Bob, the only one who has it in the swarm. `packs` is how
 * many publications were made of it.
 */
async function world(rates: { swarm?: number; https?: number }, packs = 1) {
  const bob = await Node.make("none", {
    GTR_TORRENT_DHTPACKS: "0",
    ...(rates.swarm ? { GTR_TORRENT_UPLOADRATE: `${rates.swarm}` } : {}),
  });
  const bootstrap = await bob.dht();
  const port = freePort();
  const line = new SlowLine(port, rates.https ?? Infinity);
  const server = line.address;
  const alice = await Node.make(bootstrap, {
    GTR_TORRENT_DHTPACKS: "0",
    GTR_DEFAULT_LISTEN: `127.0.0.1:${port}`,
    GTR_DEFAULT_ADDRESS: server,
  });
  await alice.share("hello");
  const { id } = JSON.parse(await alice.gtr("id", "--json"));
  const url = `torrent://${id}/hello`;
  let tip = "";
  for (let i = 0; i < packs; i++) {
    // Each less than half of the one before: none is merged with another.
    tip = await alice.commit("hello", `noise-${i}`, noise(Math.floor(LARGE / 3 ** i), i + 1));
    await bob.untilPublished(url, "refs/heads/main", tip);
  }
  await bob.gtr("follow", url);
  alice.env.GTR_TRANSPORTS = "default";
  await alice.stopGtd();
  await alice.gtr("daemon", "start");
  return {
    alice,
    bob,
    bootstrap,
    id,
    line,
    server,
    tip,
    url,
    async [Symbol.asyncDispose]() {
      await alice[Symbol.asyncDispose]();
      await bob[Symbol.asyncDispose]();
      line[Symbol.dispose]();
    },
  };
}

type World = Awaited<ReturnType<typeof world>>;

/** Clones, and ends a network when a part has come; the clone has to succeed. */
async function cloneWhile(
  w: World,
  reader: Node,
  url: string,
  end: () => void | Promise<void>,
): Promise<void> {
  await reader.gtr("daemon", "start");
  const incoming = join(await reader.stored("hello", w.alice), "gtr", "incoming");
  const clone = reader.run("git", ["clone", "-q", url, "clone"]);
  await until("some of the pack has come", async () => {
    const { stdout } = await reader.run("du", ["-s", "-B1", incoming]);
    return Number(stdout.split("\t")[0]) > ENOUGH;
  });
  await end();
  const { code, stderr } = await clone;
  assert.equal(code, 0, stderr);
  await assertWhole(reader, w.tip);
}

async function assertWhole(reader: Node, tip: string): Promise<void> {
  assert.equal(await reader.gitIn(reader.path("clone"), "rev-parse", "HEAD"), tip);
  await reader.gitIn(reader.path("clone"), "fsck", "--full", "--strict");
}

/** The bytes of packs that came by each network, as the reader's gtd logged them. */
async function bytesBy(reader: Node): Promise<{ torrent: number; default: number }> {
  const log = await Deno.readTextFile(join(reader.home, "gtd.log"));
  const line = /packs of hello: bytes (.*)$/m.exec(log)?.[1] ?? "";
  const of = (network: string) => Number(new RegExp(`(\\d+) from ${network}`).exec(line)?.[1] ?? 0);
  return { torrent: of("torrent"), default: of("default") };
}

Deno.test("networks: the swarm dies in the middle of a pack, and https delivers the rest", async () => {
  await using w = await world({ swarm: RATE });
  await using carol = await Node.make(w.bootstrap);
  // That there is a server, she knows from the manifest that came through the DHT.
  const swarm = await w.bob.gtdPid();
  await cloneWhile(w, carol, w.url, () => Deno.kill(swarm!, "SIGKILL"));
  const bytes = await bytesBy(carol);
  assert.ok(bytes.torrent > 0 && bytes.default > 0, JSON.stringify(bytes));

  // So does who updates: the swarm is gone for good.
  const next = await w.alice.commit("hello", "more.txt", "more\n");
  await carol.untilPublished(w.url, "refs/heads/main", next);
  await carol.gitIn(carol.path("clone"), "pull", "-q");
  await assertWhole(carol, next);
});

Deno.test("networks: the https server dies in the middle of a pack, and the swarm delivers the rest", async () => {
  await using w = await world({ https: RATE });
  await using carol = await Node.make(w.bootstrap);
  await cloneWhile(w, carol, `default://${w.server}/${w.id}/hello`, () => {
    w.line[Symbol.dispose](); // what the system has of the answer already is lost too
    return w.alice.killGtd();
  });
  const bytes = await bytesBy(carol);
  assert.ok(bytes.torrent > 0 && bytes.default > 0, JSON.stringify(bytes));
  // What https had brought was not fetched again.
  const [{ size }] = JSON.parse(await w.alice.gtrIn(w.alice.path("hello"), "pack", "--json"));
  assert.ok(bytes.torrent < size - ENOUGH / 2, `${bytes.torrent} of ${size}`);
});

Deno.test("networks: several packs come by all networks at once", async () => {
  await using w = await world({ swarm: RATE, https: RATE }, 3);
  await using carol = await Node.make(w.bootstrap, { GTR_DEFAULT_SERVERS: w.server });
  const address = `gtr://${w.id}/hello`;
  await carol.git("clone", "-q", address, "clone");
  await assertWhole(carol, w.tip);
  const bytes = await bytesBy(carol);
  assert.ok(bytes.torrent > 0 && bytes.default > 0, JSON.stringify(bytes));
});

Deno.test("networks: gtr:// waits for no network that can't be reached, and names all in its error", async () => {
  await using w = await world({});
  await using carol = await Node.make(`127.0.0.1:${freePort()}`, {
    GTR_DEFAULT_SERVERS: w.server,
    GTR_NETWORK_TIMEOUT: "3600", // longer than a command may take here
  });
  await carol.gtr("name", "add", "alice", w.id);
  await carol.git("clone", "-q", "gtr://alice/hello", "clone");
  await assertWhole(carol, w.tip);
  await carol.stopGtd();
  delete carol.env.GTR_NETWORK_TIMEOUT;
  const { code, stderr } = await carol.run("git", ["ls-remote", `gtr://${w.id}/nothing`]);
  assert.equal(code, 128);
  assert.match(stderr, /can't find gtr:\/\/.*: torrent: .*; default: nobody knows it/);
  assert.match(stderr, /^hint: /m);
});
