/**
 * What `gtr doctor` and `gtr status` say behind routers of every kind, beside what others can really
 * do.
 *
 * @module
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import type { Verdict } from "../../lib/daemon/api.ts";
import type { Reach } from "../../lib/ports/health.ts";
import { Node } from "../e2e/node.ts";
import { until } from "../e2e/until.ts";
import { cantTranslate, type Home, type Nat, NatNetwork, PUBLIC_HOSTS } from "./nat_network.ts";

const why = cantTranslate();
const reason = why ? ` (${why})` : "";

/** The part of `gtr status --json` that this is about. */
interface Told {
  readonly verdict: Verdict;
  readonly reach: Readonly<Record<string, Reach>>;
}

/** A public gtd that begins both networks, and gtds that join. */
class Public implements AsyncDisposable {
  readonly network: NatNetwork;
  readonly #nodes: Node[] = [];
  #bootstrap: Record<string, string> = {};

  /** @param home of everybody */
  constructor(home: Home = { family: 4 }) {
    this.network = new NatNetwork({ a: home, b: home });
  }

  /** @param torrentHost where the first node of BitTorrent's DHT listens */
  async begin(torrentHost: string = PUBLIC_HOSTS[0]!): Promise<Node> {
    const node = await this.#add(this.network.public, {
      ...on(PUBLIC_HOSTS[0]!),
      GTR_TORRENT_HOST: torrentHost,
      GTR_TORRENT_BOOTSTRAP: "none",
      GTR_HOLEPUNCH_BOOTSTRAP: "none",
    });
    await node.gtr("daemon", "start");
    const dht = await node.figure("torrent", "dht");
    this.#bootstrap = {
      // Of several addresses of a host, packets come from the first.
      GTR_TORRENT_BOOTSTRAP: dht.replace(/^11\.77\.0\.\d+/, PUBLIC_HOSTS[0]!),
      GTR_HOLEPUNCH_BOOTSTRAP: await node.figure("holepunch", "dht"),
    };
    return node;
  }

  /** A gtd that nobody has to let in. */
  joinPublic(): Promise<Node> {
    return this.#add(this.network.public, { ...on(PUBLIC_HOSTS[1]!), ...this.#bootstrap });
  }

  join(home: "a" | "b", env: Record<string, string> = {}): Promise<Node> {
    return this.#add(this.network.host(home), { ...on("0.0.0.0"), ...this.#bootstrap, ...env });
  }

  async #add(namespace: string, env: Record<string, string>): Promise<Node> {
    const node = await Node.make(
      "none",
      { GTR_TRANSPORTS: "torrent,holepunch", ...env },
      namespace,
    );
    this.#nodes.push(node);
    return node;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node[Symbol.asyncDispose]()));
    this.network[Symbol.dispose]();
  }
}

const on = (host: string) => ({ GTR_TORRENT_HOST: host, GTR_HOLEPUNCH_HOST: host });

function test(name: string, fn: (net: Public) => Promise<void>, family: 4 | 6 = 4): void {
  Deno.test({
    name: `doctor: ${name}${reason}`,
    ignore: reason !== "",
    fn: async () => {
      await using net = new Public(family === 4 ? { family } : { family: "dual" });
      await net.begin(family === 4 ? undefined : "::");
      await fn(net);
    },
  });
}

const told = async (node: Node) => await node.status() as unknown as Told;

/** Starts gtd, and waits until it has found out. */
async function startAndMeasure(node: Node): Promise<void> {
  await node.gtr("daemon", "start");
  let how: string[] = [];
  await until(() => `networks know how others get here, not ${how}`, async () => {
    how = Object.values((await told(node)).reach).map((reach) => reach.how);
    return how.every((one) => one !== "unknown");
  });
}

/** What the doctor says of reach, and its exit code; then what the status tells. */
async function examine(node: Node): Promise<Told & { lines: string[]; code: number }> {
  const { code, stdout } = await node.run("gtr", ["doctor"]);
  const lines = stdout.split("\n").filter((line) => /^\w+ reach/.test(line));
  return { lines, code, ...await told(node) };
}

/** Shares a repository that is larger than what networks keep themselves; returns its addresses. */
async function share(node: Node): Promise<{ torrent: string; holepunch: string }> {
  await node.git("init", "-q", "repo");
  await node.commit("repo", "noise.txt", randomBytes(120_000).toString("base64"));
  const { stdout } = await node.run("gtr", ["init"], { cwd: node.path("repo") });
  const [id] = /[0-9a-f]{40}\/repo/.exec(stdout)!;
  return { torrent: `torrent://${id}`, holepunch: `holepunch://${id}` };
}

/** Whether the one can clone from the other over one network alone; quickly where it can't. */
async function canClone(net: Public, url: string, expected = true): Promise<boolean> {
  const [scheme] = url.split(":");
  const timeout = expected ? "60" : "8";
  const reader = await net.join("b", { GTR_TRANSPORTS: scheme!, GTR_NETWORK_TIMEOUT: timeout });
  const { code } = await reader.run("git", ["clone", "-q", url, "copy"]);
  return code === 0;
}

interface Expected {
  readonly torrent: RegExp;
  readonly holepunch: RegExp;
  readonly verdict: RegExp;
  /** Whether somebody else behind a port-restricted router can clone over each network. */
  readonly clones: readonly [torrent: boolean, holepunch: boolean];
}

const CLOSED =
  /^outgoing-only: not from outside: the router at 11\.77\.1\.1 lets no connection in$/;
const CASES: Readonly<Record<Nat, Expected>> = {
  "open": {
    torrent: /^mapped: from outside at 11\.77\.1\.1:\d+, a port that the router forwards$/,
    holepunch: /^open: from outside at 11\.77\.1\.1:\d+$/,
    verdict: /^everybody: others can fetch from you: .*\(torrent\); .*\(holepunch\)$/,
    clones: [true, true],
  },
  "full cone": {
    torrent: CLOSED,
    holepunch: /^open: from outside at 11\.77\.1\.1:\d+$/,
    verdict: /^everybody: others can fetch from you: from outside at .* \(holepunch\)$/,
    clones: [false, true],
  },
  "port-restricted": {
    torrent: CLOSED,
    holepunch: /^hole-punching: by hole punching through the router$/,
    verdict: /^everybody: .*by hole punching through the router \(holepunch\)$/,
    clones: [false, true],
  },
  "symmetric": {
    torrent: CLOSED,
    holepunch: /^hole-punching: by hole punching, unless the other's router gives each/,
    verdict: /^some: some others can fetch from you: by hole punching, unless/,
    clones: [false, true],
  },
};

for (const [nat, expected] of Object.entries(CASES) as [Nat, Expected][]) {
  test(`behind a router that is ${nat}, and what others can do`, async (net) => {
    net.network.translate("a", nat);
    net.network.translate("b", "port-restricted");
    const node = await net.join("a");
    await startAndMeasure(node);
    const { lines, code, reach, verdict } = await examine(node);
    assert.match(`${reach.torrent!.how}: ${reach.torrent!.summary}`, expected.torrent);
    assert.match(`${reach.holepunch!.how}: ${reach.holepunch!.summary}`, expected.holepunch);
    assert.match(`${verdict.who}: ${verdict.summary}`, expected.verdict);
    assert.equal(code, 0);
    assert.equal(lines.length, 3, lines.join("\n"));

    const urls = await share(node);
    const [torrent, holepunch] = expected.clones;
    assert.equal(await canClone(net, urls.torrent, torrent), torrent);
    assert.equal(await canClone(net, urls.holepunch, holepunch), holepunch);
  });
}

test("a public gtd, once somebody has connected; and one that nobody can fetch from", async (net) => {
  for (const home of ["a", "b"] as const) net.network.translate(home, "port-restricted");
  const node = await net.joinPublic();
  const { torrent } = await share(node);
  const before = (await told(node)).reach.torrent!;
  assert.match(`${before.how}: ${before.summary}`, /^unknown: nobody outside has tried to connect/);
  assert.ok(await canClone(net, torrent));
  const { reach, verdict } = await told(node);
  assert.equal(reach.torrent!.summary, `from outside at ${reach.torrent!.address}`);
  assert.deepEqual([reach.torrent!.how, verdict.who], ["open", "everybody"]);

  const alone = await net.join("a", { GTR_TRANSPORTS: "torrent" });
  await startAndMeasure(alone);
  const { code, lines, verdict: none } = await examine(alone);
  assert.equal(code, 1);
  assert.deepEqual(lines.map((line) => line.split(":")[0]), [
    "warning reach by torrent",
    "failed reach",
  ]);
  assert.match(none.hint!, /UPnP.*TCP and UDP port \d+.*gtr config torrent\.port \d+/);
  const { stderr } = await alone.run("gtr", ["status"]);
  assert.match(stderr, /hint: turn on UPnP/);
  await alone.git("init", "-q", "repo");
  await alone.commit("repo", "readme.txt", "hello");
  const shared = await alone.run("gtr", ["init"], { cwd: alone.path("repo") });
  assert.match(
    shared.stderr,
    /^warning: nobody can fetch from you as it is; gtr doctor says/m,
  );
});

test("behind a router that lets in IPv6 alone", async (net) => {
  net.network.translate("a", "port-restricted");
  const nft = ["netns", "exec", net.network.router("a"), "nft", "flush", "table", "ip6", "filter"];
  assert.ok((await new Deno.Command("ip", { args: nft }).output()).success);
  const node = await net.join("a", { GTR_TRANSPORTS: "torrent", GTR_TORRENT_HOST: "::" });
  await startAndMeasure(node);
  // What IPv4 does is known a few seconds later.
  await until("it is limited", async () => (await told(node)).reach.torrent!.limited === true);
  const { lines } = await examine(node);
  assert.match(
    lines[0]!,
    /^\w+ reach by torrent: from outside over IPv6 only at \[2607:7700:1::2\]:\d+$/,
  );
  assert.match(lines[1]!, /^ok reach: some others can fetch from you: /);
}, 6);
