/**
 * Publishers with IPv6 alone, behind a router whose firewall lets nobody in unless it is asked to.
 *
 * @module
 */
import assert from "node:assert/strict";
import { Node } from "../e2e/node.ts";
import { until } from "../e2e/until.ts";
import { cantMapPorts, HOME6, MappingRouter, OUTSIDE6 } from "./mapping_router.ts";

const why = cantMapPorts();
const reason = why ? ` (${why})` : "";

/** The packs come from the swarm, not from the DHT. */
const SWARM_ONLY = { GTR_TRANSPORTS: "torrent", GTR_TORRENT_DHTPACKS: "0" };

/** Waits until the firewall lets connections in to so many ports. */
async function untilOpen(router: MappingRouter, count: number): Promise<void> {
  let open: string[] = [];
  await until(() => `${count} pinholes, not:\n${open.join("\n")}`, () => {
    open = router.pinholes();
    return Promise.resolve(open.length === count);
  });
}

Deno.test({
  name: `pinholes: somebody outside clones over IPv6 by PCP (needs miniupnpd)${reason}`,
  ignore: reason !== "",
  fn: async () => {
    await using router = await MappingRouter.open({ upnp: false }, true);
    await using nodes = new AsyncDisposableStack();
    const join = async (where: "a" | "outside", host: string, bootstrap: string) =>
      nodes.use(
        await Node.make(
          bootstrap,
          { ...SWARM_ONLY, GTR_TORRENT_HOST: host },
          router.namespace(where),
        ),
      );
    const outside = `${OUTSIDE6}10`;
    const first = await join("outside", outside, "none");
    const bootstrap = await first.dht();
    const alice = await join("a", HOME6.a, bootstrap);
    const bob = await join("outside", outside, bootstrap);
    const url = await alice.share("hello");
    await untilOpen(router, 2);
    await bob.git("clone", "-q", url, "copy");
    assert.equal(await Deno.readTextFile(bob.path("copy/readme.txt")), "hello\n");
    const { stdout } = await alice.run("gtr", ["doctor"]);
    assert.match(
      stdout,
      /^ok reach by torrent: from outside over IPv6 at \[2607:7700:71::2\]:\d+, by a pinhole \(PCP\)$/m,
    );
    const { reach } = await alice.status();
    assert.equal(reach.torrent.how, "mapped", JSON.stringify(reach));

    await alice.stopGtd();
    assert.deepEqual(router.pinholes(), [], "before the command returns");
    alice.env.GTR_NETWORK_PORTMAPPING = "false";
    await alice.gtr("daemon", "start");
    await bob.stopGtd();
    const dave = await join("outside", outside, bootstrap);
    dave.env.GTR_NETWORK_TIMEOUT = "3";
    assert.notEqual((await dave.run("git", ["clone", "-q", url, "copy"])).code, 0);
    assert.deepEqual(router.pinholes(), [], "the setting is off");
    await alice.stopGtd();

    delete alice.env.GTR_NETWORK_PORTMAPPING;
    await alice.gtr("daemon", "start");
    await untilOpen(router, 2);
    await alice.killGtd();
    await alice.gtr("daemon", "start");
    await untilOpen(router, 2); // the next one takes them over; miniupnpd 2.3.1 then removes them late
  },
});
