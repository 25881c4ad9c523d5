import assert from "node:assert/strict";
import { type Evidence, judge } from "../../../../lib/transports/holepunch/reach.ts";

const HOME: Evidence = {
  host: "0.0.0.0",
  own: ["192.168.1.2"],
  joined: true,
  nodes: 20,
  isFirst: false,
  isIsolated: false,
  voices: 4,
  seenAt: { host: "198.51.100.7", port: 4000 },
  firewalled: true,
  relays: 0,
  mapped: undefined,
  connectedAt: undefined,
};

Deno.test("reach by holepunch: what HyperDHT knows of the router", () => {
  const address = "198.51.100.7:4000";
  const cases: [Partial<Evidence>, string][] = [
    [{}, "hole-punching: by hole punching through the router"],
    [{ firewalled: false }, `open: from outside at ${address}`],
    [
      { firewalled: false, mapped: { host: "198.51.100.7", port: 4000, by: "UPnP" } },
      `mapped: from outside at ${address}, a port that the router maps`,
    ],
    [{ voices: 1 }, "unknown: too few nodes of HyperDHT have said where they see you"],
    [{ seenAt: undefined }, "unknown: too few nodes of HyperDHT have said where they see you"],
    [
      { seenAt: undefined, nodes: 0 },
      "outgoing-only: nobody can find you: no node of HyperDHT answers",
    ],
    [
      { seenAt: undefined, nodes: 0, joined: false },
      "unknown: too few nodes of HyperDHT have said where they see you",
    ],
    [
      { seenAt: undefined, connectedAt: 5 },
      "hole-punching: by hole punching, as somebody has shown",
    ],
    [{ isIsolated: true }, "local: only from the local network: no node of HyperDHT answers"],
    [{ host: "127.0.0.1" }, "local: only from this machine: holepunch.host is 127.0.0.1"],
    [
      { seenAt: { host: "192.168.1.2", port: 4000 } },
      "local: only from the private network of 192.168.1.2",
    ],
  ];
  for (const [facts, expected] of cases) {
    const { how, summary } = judge({ ...HOME, ...facts });
    assert.equal(`${how}: ${summary}`, expected);
  }
  assert.equal(judge(HOME).address, address);
  assert.equal(judge({ ...HOME, connectedAt: 5 }).connectedAt, 5);
});

Deno.test("reach by holepunch: a router that gives each connection another port", () => {
  const symmetric = { ...HOME, seenAt: { host: "198.51.100.7", port: 0 } };
  const { how, limited, hint } = judge(symmetric);
  assert.deepEqual([how, limited], ["hole-punching", true]);
  assert.match(hint!, /holepunch\.relays/);
  const relayed = judge({ ...symmetric, relays: 1 });
  assert.deepEqual([relayed.how, relayed.limited], ["relay", undefined]);
});
