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
      const { torrent, holepunch } = (await first.status()).transports;
      world.#first = { GTR_TORRENT_BOOTSTRAP: torrent.dht, GTR_HOLEPUNCH_BOOTSTRAP: holepunch.dht };
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

/** The port outside at which a gtd's swarm is, as a manifest tells it. */
async function untilMapped(router: MappingRouter, host: string, count: number): Promise<string[]> {
  let rules: string[] = [];
  await until(
    () => `${count} mappings to ${host}:\n${rules.join("\n")}`,
    () => {
      rules = router.rules().filter((rule) => rule.includes(`dnat ip to ${host}:`));
      return Promise.resolve(rules.length === count);
    },
  );
  return rules;
}

for (
  const [by, speaks] of [["PCP", { upnp: false }], ["UPnP", { natPmp: false }]] as const
) {
  routerTest(`somebody outside clones by a port mapped by ${by}`, async () => {
    await using world = await World.open(speaks);
    const alice = await world.join("a", SWARM_ONLY);
    const bob = await world.join("outside", SWARM_ONLY);
    const url = await alice.share("hello");
    await untilMapped(world.router, HOME.a, 2);
    await bob.git("clone", "-q", url, "copy");
    assert.equal(await Deno.readTextFile(bob.path("copy/readme.txt")), "hello\n");
    const { stdout } = await alice.run("gtr", ["daemon", "logs"]);
    assert.match(stdout, new RegExp(`TCP port \\d+ is ${ROUTER_OUTSIDE}:\\d+ outside \\(${by}\\)`));

    await alice.stopGtd();
    assert.deepEqual(world.router.rules(), []);
  });
}
