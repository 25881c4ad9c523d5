/** Who has what: `gtr who`, and pushes that are acknowledged once enough peers have them. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { mutableTarget } from "../../lib/transports/torrent/dht/items.ts";
import { Swarm } from "../../lib/transports/torrent/swarm/swarm.ts";
import { noise } from "./history.ts";
import { Node, type Outcome } from "./node.ts";
import { until } from "./until.ts";

/** Characters; packed they are about 130,000 bytes, too large for the DHT: a peer has to send it. */
const LARGE = 200_000;

const LOOPBACK = {
  host: "127.0.0.1",
  port: 0,
  maxConnections: 80,
  uploadSlots: 8,
  uploadRate: 0,
};

interface Found {
  readonly commit: string;
  readonly repositories: readonly {
    readonly address: string;
    readonly sequence: number;
    readonly peers: readonly { peer: string; network: string; sequence: number; has: string }[];
  }[];
}

/** What `gtr who --json` prints in a repository of a node. */
async function who(node: Node, name: string, commit = "HEAD"): Promise<Found> {
  return JSON.parse(await node.gtrIn(node.path(name), "who", commit, "--json"));
}

/** "127.0.0.1:6881": what others see of a node. */
async function listens(node: Node): Promise<string> {
  return (await node.status()).transports.torrent.listen;
}

/** The words of all peers of the only repository that has the commit. */
async function words(node: Node, name: string, commit?: string): Promise<Map<string, string>> {
  const { repositories } = await who(node, name, commit);
  assert.equal(repositories.length, 1);
  return new Map(repositories[0]!.peers.map(({ peer, has }) => [peer, has]));
}

async function push(node: Node, name: string): Promise<Outcome> {
  return await node.run("git", ["push", "origin", "main"], { cwd: node.path(name) });
}

/** A repository that was made by pushing to one's own address: nothing else publishes it. */
async function pushed(node: Node, name: string, code = 0): Promise<string> {
  const { id } = JSON.parse(await node.gtr("id", "--json"));
  const url = `torrent://${id}/${name}`;
  await node.git("init", "-q", name);
  await node.commit(name, "noise.txt", noise(LARGE));
  await node.gitIn(node.path(name), "remote", "add", "origin", url);
  const first = await push(node, name);
  assert.equal(first.code, code, first.stderr);
  return url;
}

Deno.test("a push is acknowledged once two followers have it, and gtr who names them", async (t) => {
  await using alice = await Node.make("none");
  const url = await pushed(alice, "hello");
  const bootstrap = await alice.dht();
  await using bob = await Node.make(bootstrap);
  await using carol = await Node.make(bootstrap);

  await t.step("at first nobody else has it", async () => {
    assert.deepEqual((await who(alice, "hello")).repositories[0]!.peers, []);
    const text = await alice.gtrIn(alice.path("hello"), "who", "main");
    assert.match(text, new RegExp(`^${url}, sequence \\d+\nnobody but you is known to have it$`));
  });

  for (const node of [bob, carol]) await node.gtr("follow", url);
  const followers = [await listens(bob), await listens(carol)].toSorted();

  await t.step("then both followers do", async () => {
    await until("both are known", async () => {
      const found = await words(alice, "hello");
      return followers.every((peer) => found.get(peer) === "yes");
    });
  });

  await alice.gtr("config", "publish.quorum", "2");
  /** With a gtd that waits for them for so many seconds. */
  const waits = async (seconds: number) => {
    await alice.gtr("config", "publish.quorumWait", String(seconds));
    await alice.stopGtd();
    await alice.gtr("daemon", "start");
  };

  await t.step("a push is acknowledged when they have it", async () => {
    await waits(60);
    await alice.commit("hello", "second.txt", noise(LARGE, 2));
    const { code, stderr } = await push(alice, "hello");
    assert.equal(code, 0, stderr);
    const found = await words(alice, "hello");
    assert.deepEqual([...found.keys()].toSorted(), followers);
    assert.deepEqual([...found.values()], ["yes", "yes"]);
  });

  await t.step("each follower sees the publisher and the other", async () => {
    const oid = await alice.gitIn(alice.path("hello"), "rev-parse", "HEAD");
    const others = [await listens(alice), await listens(carol)].toSorted();
    await until("bob knows both", async () => {
      const found = JSON.parse(await bob.gtr("who", oid, "--repository", url, "--json"));
      const { peers, address } = found.repositories[0];
      assert.equal(address, url);
      const seen = peers.map(({ peer }: { peer: string }) => peer).toSorted();
      return seen.join() === others.join();
    });
  });

  await t.step("one who can't take it is not counted, and said to be behind", async () => {
    await waits(20);
    carol.env.GTR_STORE_REPOSITORYQUOTA = "100k"; // less than there is already
    await carol.stopGtd();
    await carol.gtr("daemon", "start");
    await alice.commit("hello", "third.txt", "third\n");
    const { code, stderr } = await push(alice, "hello");
    assert.equal(code, 1);
    assert.match(stderr, /main -> main \(published, but only 1 of 2 peers have it after 20 s\)/);
    const [peers, before] = [await words(alice, "hello"), await words(alice, "hello", "HEAD~1")];
    assert.deepEqual([...peers.values()].toSorted(), ["older", "yes"]);
    assert.equal(peers.get(await listens(carol)), "older");
    assert.deepEqual([...before.values()], ["yes", "yes"], "what it has it has");
    assert.equal((await push(alice, "hello")).code, 0, "there is nothing left to push");
  });

  await t.step("what nobody has, or is no commit", async () => {
    const refused = await carol.run("gtr", ["who", "0".repeat(40)]);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /can't say who has 000000000000: no repository here has it/);
    const outside = await carol.run("gtr", ["who", "HEAD"]);
    assert.equal(outside.code, 1);
    assert.match(outside.stderr, /can't say who has HEAD: this is not a git repository/);
  });
});

Deno.test("without followers a push ends in time, says so, and is published", async (t) => {
  const env = { GTR_PUBLISH_QUORUM: "1", GTR_PUBLISH_QUORUMWAIT: "2" };
  await using alice = await Node.make("none", env);
  await using bob = await Node.make(await alice.dht());
  const { id } = JSON.parse(await alice.gtr("id", "--json"));
  const url = `torrent://${id}/hello`;
  await alice.git("init", "-q", "hello");
  const oid = await alice.commit("hello", "noise.txt", noise(LARGE));
  await alice.gitIn(alice.path("hello"), "remote", "add", "origin", url);

  await t.step("git push", async () => {
    const { code, stderr } = await push(alice, "hello");
    assert.equal(code, 1);
    assert.match(stderr, /\(published, but only 0 of 1 peer has it after 2 s\)/);
    await bob.untilPublished(url, "refs/heads/main", oid);
    await bob.git("clone", "-q", url, "copy");
    assert.equal(await bob.gitIn(bob.path("copy"), "rev-parse", "HEAD"), oid);
  });

  await t.step("gtr init, which still prints the address", async () => {
    await alice.git("init", "-q", "other");
    await alice.commit("other", "readme.txt", "hello\n");
    const { code, stdout, stderr } = await alice.run("gtr", ["init"], { cwd: alice.path("other") });
    assert.equal(code, 1);
    assert.equal(stdout, `torrent://${id}/other\n`);
    assert.match(stderr, /^gtr: published, but only 0 of 1 peer has it after 2 s\nhint: gtr who/m);
  });

  await t.step("what gtd publishes on its own is logged", async () => {
    await alice.commit("other", "second.txt", "second\n");
    await until(
      "it is logged",
      async () =>
        /other.*: published, but only 0 of 1/.test(await alice.gtr("daemon", "logs", "-n", "100")),
    );
  });

  await t.step("a reader counts once it has fetched it", async () => {
    const { code, stderr } = await alice.run("gtr", ["share"], { cwd: alice.path("other") });
    assert.equal(code, 1, stderr);
    await bob.gtr("follow", url.replace(/hello$/, "other"));
    await until("bob counts", async () => {
      const shared = await alice.run("gtr", ["share"], { cwd: alice.path("other") });
      return shared.code === 0;
    });
  });
});

/** Peers that meet others for a repository and tell of a publication, but have no pack of it. */
async function liars(count: number, publicKey: string, name: string, ports: readonly number[]) {
  const target = mutableTarget({
    publicKey: Buffer.from(publicKey, "hex"),
    salt: Buffer.from(name),
  });
  const stack = new AsyncDisposableStack();
  for (let i = 0; i < count; i++) {
    const swarm = stack.use(await Swarm.open({ ...LOOPBACK, dropped: () => {}, log: () => {} }));
    const meeting = stack.use(swarm.meet(target.toString("hex"), () => {}));
    meeting.tell(Number.MAX_SAFE_INTEGER);
    for (const port of ports) await meeting.dial({ host: "127.0.0.1", port });
  }
  return stack;
}

Deno.test("who claims to have a publication but shows no packs doesn't count", async () => {
  await using alice = await Node.make("none", {
    GTR_PUBLISH_QUORUM: "1",
    GTR_PUBLISH_QUORUMWAIT: "3",
  });
  const { publicKey } = JSON.parse(await alice.gtr("id", "--json"));
  await pushed(alice, "hello", 1);
  const port = Number((await listens(alice)).split(":")[1]);
  await using _liars = await liars(5, publicKey, "hello", [port]);
  await until("they have said so", async () => {
    const found = [...(await words(alice, "hello")).values()];
    return found.length === 5 && found.every((has) => has === "claimed");
  });
  const [{ peers }] = (await who(alice, "hello")).repositories as [Found["repositories"][0]];
  assert.ok(peers.every(({ sequence }) => sequence === Number.MAX_SAFE_INTEGER));
  await alice.commit("hello", "second.txt", "second\n");
  const { code, stderr } = await push(alice, "hello");
  assert.equal(code, 1);
  assert.match(stderr, /published, but only 0 of 1 peer has it after 3 s/);

  await using bob = await Node.make(await alice.dht());
  await bob.gtr("follow", `torrent://${JSON.parse(await alice.gtr("id", "--json")).id}/hello`);
  let pushes = 0;
  await until("bob counts", async () => {
    await alice.commit("hello", "third.txt", `third, ${pushes++}\n`);
    return (await push(alice, "hello")).code === 0;
  });
});
