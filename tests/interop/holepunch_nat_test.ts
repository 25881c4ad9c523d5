/**
 * The built gtd behind routers: clones over holes that hyperdht punches, and through a gtd that
 * relays.
 *
 * @module
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { Node } from "../e2e/node.ts";
import { until } from "../e2e/until.ts";
import { HyperPeer, type PeerOptions } from "../../scripts/local/hyperdht_peer.ts";
import { nativeUdx } from "../../scripts/local/native_udx.ts";
import { cantTranslate, type Nat, NatNetwork, PUBLIC_HOSTS } from "./nat_network.ts";

const why = cantTranslate();
const reason = why ? ` (${why})` : "";

/** Nothing but live peers have anything. */
const ENV = { GTR_TRANSPORTS: "holepunch", GTR_HOLEPUNCH_DHTPACKS: "0" };

/** A HyperDHT that a public gtd begins, which relays, too; and a gtd behind each router. */
class Public implements AsyncDisposable {
  readonly network = new NatNetwork();
  readonly #nodes: Node[] = [];
  #bootstrap = "";

  /** A gtd that anybody can reach; the first one begins the network. */
  async begin(env: Record<string, string> = {}): Promise<Node> {
    const node = await this.#add(this.network.public, {
      GTR_HOLEPUNCH_HOST: PUBLIC_HOSTS[0]!,
      GTR_HOLEPUNCH_BOOTSTRAP: this.#bootstrap || "none",
      ...env,
    });
    await node.gtr("daemon", "start");
    this.#bootstrap ||= await node.figure("holepunch", "dht");
    return node;
  }

  join(home: "a" | "b", env: Record<string, string> = {}): Promise<Node> {
    return this.#add(this.network.host(home), {
      GTR_HOLEPUNCH_HOST: "0.0.0.0",
      GTR_HOLEPUNCH_BOOTSTRAP: this.#bootstrap,
      ...env,
    });
  }

  async #add(namespace: string, env: Record<string, string>): Promise<Node> {
    const node = await Node.make("none", { ...ENV, ...env }, namespace);
    this.#nodes.push(node);
    return node;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node[Symbol.asyncDispose]()));
    this.network[Symbol.dispose]();
  }
}

function natTest(name: string, natA: Nat, natB: Nat, fn: (net: Public) => Promise<void>): void {
  Deno.test({
    name: `gtd behind routers: ${name}${reason}`,
    ignore: reason !== "",
    fn: async () => {
      await using net = new Public();
      net.network.translate("a", natA);
      net.network.translate("b", natB);
      await fn(net);
    },
  });
}

const details = async (node: Node) => (await node.status()).transports.holepunch;

natTest(
  "port-restricted ones, a clone without a relay",
  "port-restricted",
  "port-restricted",
  async (net) => {
    await net.begin();
    const [alice, bob] = [await net.join("a"), await net.join("b")];
    const url = await alice.share("hello");
    await bob.git("clone", "-q", url, "copy");
    assert.equal(await Deno.readTextFile(bob.path("copy/readme.txt")), "hello\n");
    assert.equal((await details(bob)).relayed, undefined);
  },
);

natTest(
  "symmetric ones, a clone through a gtd that relays",
  "symmetric",
  "symmetric",
  async (net) => {
    const relay = await net.begin({ GTR_HOLEPUNCH_RELAY: "true" });
    const key = await relay.figure("holepunch", "relay");
    const [alice, bob] = [await net.join("a"), await net.join("b")];
    const url = await alice.share("hello");
    const alone = await bob.run("git", ["clone", url, "alone"]);
    assert.notEqual(alone.code, 0, "no hole can be punched");
    assert.match(
      alone.stderr,
      /can't connect to [0-9a-f]{12}: no hole can be punched, .*\nhint: .*holepunch\.relays/s,
    );

    await bob.stopGtd();
    bob.env.GTR_HOLEPUNCH_RELAYS = key;
    await bob.git("clone", "-q", url, "copy");
    assert.equal(await Deno.readTextFile(bob.path("copy/readme.txt")), "hello\n");
    const [ofBob, ofAlice] = [await details(bob), await details(alice)];
    assert.equal(ofBob.relays, 1);
    const { stdout } = await relay.run("gtr", ["doctor"]);
    assert.match(stdout, new RegExp(`relays for others, now \\d+ pairs?, as ${key}`));
    assert.ok(ofBob.relayed > 0 && ofAlice.relayed > 0, "both tell of relays");
  },
);

const found = await nativeUdx();
const noNative = "reason" in found ? ` (${found.reason})` : "";

Deno.test({
  name: `gtd behind routers: native hyperdht through a gtd that relays${noNative || reason}`,
  ignore: noNative !== "" || reason !== "",
  fn: async () => {
    const native: PeerOptions = "folder" in found ? { native: found.folder } : {};
    await using net = new Public();
    for (const host of ["a", "b"] as const) net.network.translate(host, "symmetric");
    const { dht, relay } = await details(await net.begin({ GTR_HOLEPUNCH_RELAY: "true" }));
    const [host, port] = dht.split(":");
    const bootstrap = [{ host, port: Number(port) }];
    await using client = new HyperPeer({ ...native, namespace: net.network.host("a") });
    await using server = new HyperPeer({ ...native, namespace: net.network.host("b") });
    await Promise.all([client, server].map((peer) => peer.call("open", { bootstrap })));
    const { key } = await server.call("serve", { relay });
    const echo = await client.call("connect", { key, relay, bytes: 200_000 });
    assert.deepEqual([echo.received, echo.remoteHost], [200_000, PUBLIC_HOSTS[0]]);
  },
});

natTest("relays that die in the middle of a clone", "symmetric", "symmetric", async (net) => {
  await net.begin();
  const slow = { GTR_HOLEPUNCH_RELAY: "true", GTR_HOLEPUNCH_RELAYRATE: "100000" };
  const relays = [await net.begin(slow), await net.begin(slow)];
  const keys = await Promise.all(relays.map((relay) => relay.figure("holepunch", "relay")));
  const [alice, bob] = [await net.join("a"), await net.join("b")];
  bob.env.GTR_HOLEPUNCH_RELAYS = keys.join();
  const urls = [await shareNoise(alice, "one"), await shareNoise(alice, "two")];

  const first = bob.run("git", ["clone", urls[0]!, "one"]);
  const used = await usedOf(relays);
  await used.killGtd();
  const { code, stderr } = await first;
  assert.equal(code, 0, `another relay takes over: ${stderr}`);
  await bob.gitIn(bob.path("one"), "fsck", "--full");

  const second = bob.run("git", ["clone", urls[1]!, "two"]);
  const last = await usedOf(relays.filter((relay) => relay !== used));
  await last.killGtd();
  const end = await second;
  assert.notEqual(end.code, 0);
  // Which is noticed first, the lost peer or that it can't be reached again, is a matter of moments.
  assert.match(
    end.stderr,
    /^gtr: .*(nothing came for (15|7\.5) s|through a relay: no answer).*\nhint: .*what has come is kept/m,
  );
});

/** Shares a repository that takes seconds to clone; returns its address. */
async function shareNoise(node: Node, name: string): Promise<string> {
  await node.git("init", "-q", name);
  const oid = await node.commit(name, "noise.txt", randomBytes(1_000_000).toString("base64"));
  const url = await node.gtrIn(node.path(name), "init");
  await node.untilPublished(url, "refs/heads/main", oid);
  return url;
}

/** Waits until one of the relays is used. */
async function usedOf(relays: readonly Node[]): Promise<Node> {
  let used: Node | undefined;
  await until("a relay is used", async () => {
    const pairs = await Promise.all(relays.map(async (relay) => (await details(relay)).relayPairs));
    used = relays[pairs.findIndex((n) => n > 0)];
    return used !== undefined;
  });
  return used!;
}
