/**
 * The built gtd behind a router that maps ports, asked by everybody outside of it.
 *
 * @module
 */
import assert from "node:assert/strict";
import { Node } from "../e2e/node.ts";
import { until } from "../e2e/until.ts";
import { cantMapPorts, HOME, MappingRouter, OUTSIDE, ROUTER_OUTSIDE } from "./mapping_router.ts";

const why = cantMapPorts();
const reason = why ? ` (${why})` : "";

/** The packs come from the swarm, not from the DHT. */
const SWARM_ONLY = { GTR_TRANSPORTS: "torrent", GTR_TORRENT_DHTPACKS: "0" };

/** A router with a home behind it, a node outside that others begin with, and users. */
class World implements AsyncDisposable {
  readonly router: MappingRouter;
  readonly #nodes: Node[] = [];
  #first: Record<string, string> = {};

  private constructor(router: MappingRouter) {
    this.router = router;
  }

  static async open(speaks: Parameters<typeof MappingRouter.open>[0]): Promise<World> {
    const world = new World(await MappingRouter.open(speaks));
    try {
      const first = await world.#add("outside", {
        GTR_TORRENT_HOST: OUTSIDE,
        GTR_TORRENT_BOOTSTRAP: "none",
        GTR_HOLEPUNCH_HOST: OUTSIDE,
        GTR_HOLEPUNCH_BOOTSTRAP: "none",
        GTR_TRANSPORTS: "torrent,holepunch",
        GTR_HOLEPUNCH_RELAY: "true", // so that it opens
      });
      await first.gtr("daemon", "start");
      world.#first = {
        GTR_TORRENT_BOOTSTRAP: await first.figure("torrent", "dht"),
        GTR_HOLEPUNCH_BOOTSTRAP: await first.figure("holepunch", "dht"),
      };
      return world;
    } catch (error) {
      await world[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** A user with default settings, but for where the networks begin. */
  join(where: "a" | "b" | "outside", env: Record<string, string> = {}): Promise<Node> {
    const defaults = { GTR_TORRENT_HOST: "", GTR_HOLEPUNCH_HOST: "" };
    return this.#add(where, { ...defaults, ...this.#first, ...env });
  }

  async #add(where: "a" | "b" | "outside", env: Record<string, string>): Promise<Node> {
    const node = await Node.make("none", env, this.router.namespace(where));
    this.#nodes.push(node);
    return node;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node[Symbol.asyncDispose]()));
    await this.router[Symbol.asyncDispose]();
  }
}

function routerTest(name: string, fn: () => Promise<void>): void {
  Deno.test({
    name: `port mapping: ${name} (needs miniupnpd)${reason}`,
    ignore: reason !== "",
    fn,
  });
}

/** What the doctor says. */
async function doctor(node: Node): Promise<string> {
  return (await node.run("gtr", ["doctor"])).stdout;
}

/** Waits until the router maps so many ports to a host; returns its rules for them, sorted. */
async function untilMapped(router: MappingRouter, host: string, count: number): Promise<string[]> {
  let rules: string[] = [];
  await until(
    () => `${count} mappings to ${host}, not:\n${rules.join("\n")}`,
    () => {
      rules = router.rules().filter((rule) => rule.includes(`dnat ip to ${host}:`)).sort();
      return Promise.resolve(rules.length === count);
    },
  );
  return rules;
}

/** Waits until the gtd that runs now has logged that both of its ports are outside. */
async function untilTold(node: Node, by: string): Promise<void> {
  const line = new RegExp(`(TCP|UDP) port \\d+ is ${ROUTER_OUTSIDE}:\\d+ outside \\(${by}\\)`, "g");
  let log = "";
  await until(() => `both ports are outside:\n${log}`, async () => {
    const { stdout } = await node.run("gtr", ["daemon", "logs"]);
    log = stdout.slice(stdout.lastIndexOf(" (pid "));
    return new Set([...log.matchAll(line)].map(([, protocol]) => protocol)).size === 2;
  });
}

for (const [by, speaks] of [["PCP", { upnp: false }], ["UPnP", { natPmp: false }]] as const) {
  routerTest(`somebody outside clones by a port mapped by ${by}`, async () => {
    await using world = await World.open(speaks);
    const { router } = world;
    const alice = await world.join("a", SWARM_ONLY);
    const bob = await world.join("outside", SWARM_ONLY);
    const url = await alice.share("hello");
    const first = await untilMapped(router, HOME.a, 2);
    await bob.git("clone", "-q", url, "copy");
    assert.equal(await Deno.readTextFile(bob.path("copy/readme.txt")), "hello\n");
    await untilTold(alice, by);
    assert.match(
      await doctor(alice),
      /^ok reach by torrent: from outside at .*, a port that the router maps/m,
    );

    const { reach } = await alice.status();
    assert.equal(reach.torrent.how, "mapped", JSON.stringify(reach));

    if (by === "UPnP") {
      const listed = router.run("b", "upnpc", "-l"); // as anybody at home sees it
      assert.match(listed, / TCP +(\d+)->192\.168\.71\.2:\1 +'gtr'/);
    }

    await router.stop();
    assert.deepEqual(router.rules(), []);
    await router.start(speaks);
    assert.deepEqual(await untilMapped(router, HOME.a, 2), first, "again after its restart");

    await alice.killGtd();
    assert.deepEqual(await untilMapped(router, HOME.a, 2), first, "they outlive it");
    await alice.gtr("daemon", "start");
    await alice.commit("hello", "more.txt", "more\n");
    await until("bob pulls what is new", async () => {
      await bob.gitIn(bob.path("copy"), "pull", "-q");
      return await Deno.readTextFile(bob.path("copy/more.txt")).catch(() => "") === "more\n";
    });
    await untilTold(alice, by);
    assert.deepEqual(await untilMapped(router, HOME.a, 2), first, "the next one takes them over");

    Deno.kill((await alice.gtdPid())!, "SIGTERM");
    await untilMapped(router, HOME.a, 0); // long before they would end by themselves

    await alice.gtr("daemon", "start");
    await untilMapped(router, HOME.a, 2);
    await alice.stopGtd();
    assert.deepEqual(router.rules(), [], "before the command returns");
  });

  routerTest(`two behind one router with the same port, by ${by}`, async () => {
    await using world = await World.open(speaks);
    const env = { ...SWARM_ONLY, GTR_TORRENT_PORT: "6881" };
    const [alice, carol] = [await world.join("a", env), await world.join("b", env)];
    const urls = [await alice.share("one")];
    await untilMapped(world.router, HOME.a, 2);
    urls.push(await carol.share("two"));
    const [ofCarol] = await untilMapped(world.router, HOME.b, 2);
    assert.doesNotMatch(ofCarol!, /dport 6881\b/, "it is another's");
    assert.match(ofCarol!, new RegExp(`dnat ip to ${HOME.b}:6881$`));

    const bob = await world.join("outside", SWARM_ONLY);
    for (const [i, url] of urls.entries()) await bob.git("clone", "-q", url, `copy${i}`);
    await untilMapped(world.router, HOME.a, 2);
  });
}

routerTest("a computer that gets another address has its ports mapped again", async () => {
  await using world = await World.open({});
  const alice = await world.join("a", SWARM_ONLY);
  await alice.share("hello");
  await untilMapped(world.router, HOME.a, 2);
  world.router.move("a", "192.168.71.9");
  await untilMapped(world.router, "192.168.71.9", 2);
});

routerTest("hyperdht knows that a mapped port can be reached", async () => {
  await using world = await World.open({});
  const alice = await world.join("a", { GTR_TRANSPORTS: "holepunch" });
  await alice.share("hello");
  await untilMapped(world.router, HOME.a, 1);
  let reach: unknown;
  await until(() => `holepunch is mapped: ${JSON.stringify(reach)}`, async () => {
    reach = (await alice.status()).reach.holepunch;
    return (reach as { how: string }).how === "mapped";
  });
});

routerTest("nothing is asked of a router if the setting is off", async () => {
  await using world = await World.open({});
  const alice = await world.join("a", { ...SWARM_ONLY, GTR_NETWORK_PORTMAPPING: "false" });
  const carol = await world.join("b", SWARM_ONLY);
  await alice.share("one");
  await carol.share("two");
  await untilMapped(world.router, HOME.b, 2);
  assert.deepEqual(world.router.rules().filter((rule) => rule.includes(HOME.a)), []);
});
