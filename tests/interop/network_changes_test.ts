/**
 * gtds as installed, in homes whose networks change: a router that restarts in the middle of a clone,
 * interfaces that come and go; and two computers behind one router.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { Node } from "../e2e/node.ts";
import { until } from "../e2e/until.ts";
import { clone, Internet, publish, publishMore, pull, Times, untilFollowed } from "./internet.ts";
import { cantTranslate } from "./nat_network.ts";

const why = cantTranslate();
const reason = why ? ` (${why})` : "";

/** Takes some ten seconds at the rate. */
const BYTES = 12_000_000;
const RATE = "10mbit";

Deno.test({
  name: `routers that restart, interfaces that come and go${reason}`,
  ignore: reason !== "",
  fn: async (t) => {
    const homes = { a: { hosts: 2, family: 4 }, b: { family: 4 } } as const;
    await using net = await Internet.make(homes);
    const { network } = net;
    network.translate("a", "port-restricted");
    network.translate("b", "port-restricted");
    const [alice, ann, bob] = await Promise.all([net.join("a"), net.join("a", 2), net.join("b")]);

    const times = new Times();

    await t.step("two computers behind one router", async () => {
      const pair = "behind one router";
      const url = await publish(alice, "near");
      await times.measure(pair, "clone", () => clone(ann, url, "near"));
      const second = await publishMore(alice, "near", url);
      await times.measure(pair, "pull", () => pull(ann, "near", second));
      await ann.gtr("follow", url);
      const third = await publishMore(alice, "near", url);
      await times.measure(pair, "news", () => untilFollowed(ann, alice, "near", third));
    });

    for (const home of ["a", "b"] as const) {
      const whose = { a: "publisher", b: "reader" }[home];
      await t.step(`the ${whose}'s router restarts in the middle of a clone`, async () => {
        const name = `restart-${home}`;
        const url = await publish(alice, name, BYTES);
        network.limit("a", RATE);
        const cloning = bob.run("git", ["clone", "-q", url, name]);
        await untilBegun(bob);
        const before = network.outside(home);
        network.restart(home);
        assert.notEqual(network.outside(home), before);
        await times.measure(`the ${whose}'s router restarts`, "rest of the clone", async () => {
          const { code, stderr } = await cloning;
          assert.equal(code, 0, stderr);
        });
        await bob.gitIn(bob.path(name), "fsck", "--full");
      });
    }
    network.limit("a", "1gbit");

    await t.step("the reader's and the publisher's interface go and come again", async () => {
      const url = await publish(alice, "moving");
      await clone(bob, url, "moving");
      network.unplug("b");
      const { code, stderr } = await bob.run("git", ["pull", "-q"], { cwd: bob.path("moving") });
      assert.equal(code, 0, stderr);
      network.plug("b", 1, 1);
      const second = await publishMore(alice, "moving", url);
      await times.measure("the reader comes back", "pull", () => pull(bob, "moving", second));
      network.unplug("a");
      network.plug("a", 1, 1);
      const third = await publishMore(alice, "moving", url);
      await times.measure("the publisher comes back", "pull", () => pull(bob, "moving", third));
    });
    console.log(String(times));
  },
});

/** Waits until a part of a pack has come. */
async function untilBegun(bob: Node): Promise<void> {
  await until("something has come", async () => {
    const { stdout } = await bob.run("find", [bob.home, "-path", "*incoming*", "-size", "+1000k"]);
    return stdout !== "";
  });
}
