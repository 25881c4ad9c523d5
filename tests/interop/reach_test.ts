/**
 * Who can clone from whom: gtds as installed, behind routers of every kind, with nothing set but
 * where the networks begin. What each step took is printed at the end.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { Node } from "../e2e/node.ts";
import {
  clone,
  Internet,
  publish,
  publishMore,
  pull,
  Times,
  untilFollowed,
  useRelay,
} from "./internet.ts";
import { cantTranslate, type Home, type Nat } from "./nat_network.ts";

const why = cantTranslate();
const reason = why ? ` (${why})` : "";

const KINDS = ["open", "port-restricted", "symmetric"] as const satisfies Nat[];
type Kind = typeof KINDS[number];
type HomeName = `${"a" | "b"}-${Kind}`;

Deno.test({
  name: `routers: everybody gets everything from whom they can reach${reason}`,
  ignore: reason !== "",
  fn: async (t) => {
    const names = KINDS.flatMap((kind) => [`a-${kind}`, `b-${kind}`] as const);
    const homes = Object.fromEntries(names.map((name) => [name, { family: 4 }]));
    const relays = { GTR_HOLEPUNCH_RELAY: "true" };
    await using net = await Internet.make(homes as Record<HomeName, Home>, relays);
    for (const name of names) net.network.translate(name, name.slice(2) as Kind);
    const people = new Map<HomeName, Node>();
    await Promise.all(names.map(async (name) => people.set(name, await net.join(name))));
    const times = new Times();
    for (const of of KINDS) {
      for (const to of KINDS) {
        const pair = `${of} to ${to}`;
        const [alice, bob] = [people.get(`a-${of}`)!, people.get(`b-${to}`)!];
        await t.step(
          pair,
          () =>
            of === "symmetric" && to === of
              ? failsToVisit(
                times,
                pair,
                alice,
                bob,
                /no hole can be punched.*\nhint: a relay helps/,
                true,
              )
              : visits(times, pair, alice, bob),
        );
      }
    }
    const [alice, bob] = [people.get("a-symmetric")!, people.get("b-symmetric")!];
    for (const [who, node] of [["publisher", alice], ["reader", bob]] as const) {
      const pair = `symmetric to symmetric, by a relay that the ${who} names`;
      await t.step(pair, async () => {
        await useRelay(node, net.relay);
        await visits(times, pair, alice, bob, `relay-of-${who}`);
        await useRelay(node, "");
      });
    }
    console.log(String(times));
  },
});

const KINDS6 = ["open", "port-restricted"] as const satisfies Nat[];
type HomeName6 = `${"a" | "b"}-${typeof KINDS6[number]}`;

// HyperDHT has no IPv6, so no hole is punched: a publisher must be reachable.
Deno.test({
  name: `routers: the same with IPv6 alone${reason}`,
  ignore: reason !== "",
  fn: async (t) => {
    const names = KINDS6.flatMap((kind) => [`a-${kind}`, `b-${kind}`] as const);
    const homes = Object.fromEntries(names.map((name) => [name, { family: 6 }]));
    await using net = await Internet.make(homes as Record<HomeName6, Home>);
    for (const name of names) net.network.translate(name, name.slice(2) as Kind);
    const people = new Map<HomeName6, Node>();
    await Promise.all(names.map(async (name) => people.set(name, await net.join(name))));
    const times = new Times();
    for (const of of KINDS6) {
      for (const to of KINDS6) {
        const pair = `IPv6, ${of} to ${to}`;
        const [alice, bob] = [people.get(`a-${of}`)!, people.get(`b-${to}`)!];
        await t.step(
          pair,
          () =>
            of === "open" ? visits(times, pair, alice, bob, `${of}-for-${to}`) : failsToVisit(
              times,
              pair,
              alice,
              bob,
              /must be online,? and reachable from outside/,
            ),
        );
      }
    }
    console.log(String(times));
  },
});

Deno.test({
  name: `routers: what IPv4 and IPv6 do for each other${reason}`,
  ignore: reason !== "",
  fn: async (t) => {
    await using net = await Internet.make({ a: {}, b: {}, c: {}, d: {} });
    net.network.translate("a", "port-restricted");
    net.network.translate("b", "port-restricted");
    net.network.translate("c", "symmetric", "open");
    net.network.translate("d", "symmetric");
    const [a, b, c, d] = await Promise.all(
      (["a", "b", "c", "d"] as const).map((home) => net.join(home)),
    );
    const times = new Times();
    for (
      const [pair, alice, bob] of [
        ["both port-restricted, IPv6 firewalled", a, b],
        ["symmetric with open IPv6 to symmetric", c, d],
      ] as const
    ) {
      await t.step(pair, () => visits(times, pair, alice!, bob!, pair.replaceAll(/[ ,]+/g, "-")));
    }
    console.log(String(times));
  },
});

/** Bob clones, pulls and follows what Alice publishes. */
async function visits(
  times: Times,
  pair: string,
  alice: Node,
  bob: Node,
  name = pair.replaceAll(" ", "-"),
): Promise<void> {
  const url = await publish(alice, name);
  await times.measure(pair, "clone", () => clone(bob, url, name));
  const second = await publishMore(alice, name, url);
  await times.measure(pair, "pull", () => pull(bob, name, second));
  await bob.gtr("follow", url);
  const third = await publishMore(alice, name, url);
  await times.measure(pair, "news", () => untilFollowed(bob, alice, name, third));
}

/**
 * Bob is told why he can't clone, and what helps.
 *
 * @param isCold whether the clone has to start gtd
 */
async function failsToVisit(
  times: Times,
  pair: string,
  alice: Node,
  bob: Node,
  told: RegExp,
  isCold = false,
) {
  const name = pair.replaceAll(/[ ,]+/g, "-");
  const url = await publish(alice, name);
  if (isCold) await bob.stopGtd();
  await times.measure(pair, "error", async () => {
    const { code, stderr } = await bob.run("git", ["clone", "-q", url, name]);
    assert.equal(code, 128);
    assert.match(stderr, told);
  });
}
