/**
 * Freshly installed gtds in a local network without the internet: all that is set is the network's
 * name.
 *
 * @module
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { Node } from "../e2e/node.ts";
import { until } from "../e2e/until.ts";
import { LocalNetwork } from "./local_network.ts";
import { hasNamespaces } from "./namespace.ts";

const reason = hasNamespaces() ? "" : " (needs root and iproute2)";
const FLOOD = join(import.meta.dirname!, "mdns_flood.ts");
const FLOOD_MS = 60_000;

/** As after the installation: what the tests set for loopback is taken back. */
const FRESH = {
  GTR_TRANSPORTS: "holepunch",
  GTR_HOLEPUNCH_HOST: "",
  GTR_HOLEPUNCH_BOOTSTRAP: "",
};

const details = async (node: Node) => (await node.status()).transports.holepunch;

Deno.test({
  name: `LAN: gtds without the internet find each other${reason}`,
  ignore: reason !== "",
  fn: async (t) => {
    using network = new LocalNetwork(3);
    const [hostA, hostB, hostC] = network.hosts;
    await using alice = await Node.make("none", FRESH, hostA);
    await using bob = await Node.make("none", FRESH, hostB);
    const url = await alice.share("hello");
    await t.step("two of them: clone, news, pull, a shallow clone", async () => {
      await bob.git("clone", "-q", url, "copy");
      const oid = await alice.commit("hello", "more.txt", "more\n");
      await bob.untilPublished(url, "refs/heads/main", oid);
      await bob.gitIn(bob.path("copy"), "pull", "-q");
      assert.equal(await bob.gitIn(bob.path("copy"), "rev-parse", "HEAD"), oid);
      await bob.git("clone", "-q", "--depth=1", url, "shallow");
      assert.equal((await details(bob)).neighbours, 1);
      const { stdout } = await bob.run("gtr", ["doctor"]);
      assert.match(stdout, /no node of HyperDHT answers; 1 gtd in the local network/);
    });
    await t.step("a third, when the publisher has gone", async () => {
      await alice.stopGtd();
      await using carol = await Node.make("none", FRESH, hostC);
      await carol.git("clone", "-q", url, "copy");
      assert.equal(await Deno.readTextFile(carol.path("copy/more.txt")), "more\n");
    });
    await t.step("who comes to the network later", async () => {
      LocalNetwork.move(hostC!, 3, "del");
      await using gina = await Node.make("none", FRESH, hostC);
      await until("it has looked", async () => (await details(gina)).neighbours === 0);
      LocalNetwork.move(hostC!, 3, "add");
      await until("it is found", async () => (await details(gina)).neighbours === 1);
      await gina.git("clone", "-q", url, "copy");
    });
    await t.step("two users of one machine", async () => {
      await using dave = await Node.make("none", FRESH, hostB);
      await dave.git("clone", "-q", url, "copy");
    });
    await t.step("who has gone is forgotten", async () => {
      await until("bob is alone", async () => (await details(bob)).neighbours === 0);
    });
    await t.step("who floods the network keeps nobody from finding others", async () => {
      const args = ["netns", "exec", hostC!, Deno.execPath(), "run", "-A", "--no-check", FLOOD];
      const { success, stderr } = await new Deno.Command("ip", {
        args: [...args, LocalNetwork.address(3), "500"],
        signal: AbortSignal.timeout(FLOOD_MS),
      }).output();
      assert.ok(success, new TextDecoder().decode(stderr));
      const { dropped } = await bob.status();
      for (const reason of ["lan-bad-packet", "lan-limit"]) {
        assert.ok(dropped[`holepunch/${reason}`] > 10, JSON.stringify(dropped));
      }
      await using erin = await Node.make("none", FRESH, hostA);
      await erin.git("clone", "-q", url, "copy");
    });
    await t.step("who has it switched off isn't found, and finds nobody", async () => {
      const off = { ...FRESH, GTR_HOLEPUNCH_LAN: "false" };
      await using frank = await Node.make("none", off, hostA);
      const { code } = await frank.run("git", ["clone", "-q", url, "copy"]);
      assert.notEqual(code, 0);
      assert.equal((await details(frank)).neighbours, undefined);
    });
  },
});
