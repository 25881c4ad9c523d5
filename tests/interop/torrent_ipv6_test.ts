/**
 * gtds as installed, on hosts that have IPv6 alone, IPv4 alone, or both. All that is set is where the
 * network begins.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { Node } from "../e2e/node.ts";
import { until } from "../e2e/until.ts";
import { shareTwoPacks } from "./gtd_fixture.ts";
import { BOTH, DualStack } from "./dual_stack.ts";
import { hasNamespaces } from "./namespace.ts";

const reason = hasNamespaces() ? "" : " (needs root and iproute2)";

function test(name: string, fn: (t: Deno.TestContext) => Promise<void>): void {
  Deno.test({ name: `IPv6: ${name}${reason}`, ignore: reason !== "", fn });
}

/** Fails unless `bob` clones what `url` names, and then has news of it. */
async function clonesAndPulls(alice: Node, bob: Node, url: string, oid: string): Promise<string> {
  await bob.git("clone", "-q", url, "copy");
  const copy = bob.path("copy");
  assert.equal(await bob.gitIn(copy, "rev-parse", "HEAD"), oid);
  const newer = await alice.commit("hello", "more.txt", `more for ${bob.home}\n`);
  await bob.untilPublished(url, "refs/heads/main", newer);
  await bob.gitIn(copy, "pull", "-q");
  assert.equal(await bob.gitIn(copy, "rev-parse", "HEAD"), newer);
  return newer;
}

test("hosts that have nothing else clone, pull, follow, and outlive the publisher", async (t) => {
  await using world = new DualStack([6], [6], [6], [6]);
  const hub = await world.join(1);
  assert.match(await hub.dht(), /^\[2001:db8:7::1\]:\d+$/);
  const [alice, bob, carol] = [await world.join(2), await world.join(3), await world.join(4)];
  const shared = await shareTwoPacks(alice);
  let { oid } = shared;
  await t.step("clone and pull", async () => {
    oid = await clonesAndPulls(alice, bob, shared.url, oid);
  });
  await t.step("a live stream", async () => {
    await bob.git("clone", "-q", "--depth=1", shared.url, "shallow");
    assert.equal(await bob.gitIn(bob.path("shallow"), "rev-parse", "HEAD"), oid);
    assert.equal(await bob.gitIn(bob.path("shallow"), "rev-list", "--count", "HEAD"), "1");
  });
  await t.step("follow", async () => {
    await carol.gtr("follow", shared.url);
    const newer = await alice.commit("hello", "news.txt", "news\n");
    const stored = await carol.stored("hello", alice);
    await until(() => "the follower has the news", async () => {
      const { stdout } = await carol.run("git", ["-C", stored, "rev-parse", "refs/heads/main"]);
      return stdout.trim() === newer;
    });
    oid = newer;
  });
  await t.step("from a follower", async () => {
    await alice.stopGtd();
    await bob.git("clone", "-q", shared.url, "later");
    assert.equal(await bob.gitIn(bob.path("later"), "rev-parse", "HEAD"), oid);
  });
});

test("hosts of one family alone get what hosts of both pass on", async (t) => {
  await using world = new DualStack(BOTH, [4], [6], BOTH);
  await world.join(1);
  const [ipv4, ipv6, both] = [await world.join(2), await world.join(3), await world.join(4)];
  for (const [name, publisher, reader] of [["6", ipv4, ipv6], ["4", ipv6, ipv4]] as const) {
    await t.step(`to a host of IPv${name} from one that has none`, async () => {
      const { url, oid } = await shareTwoPacks(publisher);
      await both.git("clone", "-q", url, `from-${name}`);
      await reader.git("clone", "-q", url, "copy");
      assert.equal(await reader.gitIn(reader.path("copy"), "rev-parse", "HEAD"), oid);
    });
  }
});

test("where one family leads nowhere, the other one is used", async (t) => {
  await using world = new DualStack(BOTH, BOTH, BOTH);
  await world.join(1);
  const [alice, bob] = [await world.join(2), await world.join(3)];
  const { url, oid } = await shareTwoPacks(alice);
  for (const family of BOTH) {
    await t.step(`without IPv${family}`, async () => {
      world.change(2, family, "del");
      await bob.git("clone", "-q", url, `without-${family}`);
      assert.equal(await bob.gitIn(bob.path(`without-${family}`), "rev-parse", "HEAD"), oid);
      await bob.stopGtd(); // the next one has nothing here
      await Deno.remove(bob.home, { recursive: true });
      world.change(2, family, "add");
    });
  }
});

test("systems that keep IPv4 and IPv6 apart, or have no IPv6", async (t) => {
  await using world = new DualStack(BOTH, BOTH, [4], [6]);
  world.sysctl(2, "net.ipv6.bindv6only=1");
  world.sysctl(3, "net.ipv6.conf.all.disable_ipv6=1");
  await world.join(1);
  const [apart, ipv4, ipv6] = [await world.join(2), await world.join(3), await world.join(4)];
  const { url, oid } = await shareTwoPacks(apart);
  for (const [name, reader] of [["IPv4", ipv4], ["IPv6", ipv6]] as const) {
    await t.step(`a host of ${name} alone`, async () => {
      await reader.git("clone", "-q", url, "copy");
      assert.equal(await reader.gitIn(reader.path("copy"), "rev-parse", "HEAD"), oid);
    });
  }
});
