import assert from "node:assert/strict";
import { type Evidence, judge } from "../../../../../lib/transports/torrent/reach/judge.ts";
import { Arrivals } from "../../../../../lib/transports/torrent/reach/arrivals.ts";
import { isOutside } from "../../../../../lib/transports/shared/own_networks.ts";

const HOME: Evidence = {
  host: "0.0.0.0",
  port: 6881,
  isPortChosen: false,
  own: ["192.168.1.2"],
  seenAt: "198.51.100.7",
  isAlone: false,
  mapping: {},
  pinhole: undefined,
  arrival: undefined,
  arrival6: undefined,
  refusedAt: undefined,
};
const SERVER: Evidence = { ...HOME, own: ["198.51.100.7"] };
const outside = { host: "198.51.100.7", port: 7000, by: "UPnP" as const };
const arrival = { host: "203.0.113.9", at: 1_000 };

/** What is told of each case, without what to do. */
function told(evidence: Partial<Evidence>, base = HOME): string {
  const { how, summary, limited } = judge({ ...base, ...evidence });
  return `${how}${limited ? " (limited)" : ""}: ${summary}`;
}

Deno.test("reach by torrent: what the router and addresses say, as long as nobody has tried", () => {
  assert.equal(
    told({}),
    "outgoing-only: not from outside: the router at 198.51.100.7 maps no port to this machine",
  );
  assert.match(told({ mapping: undefined }), /^unknown: nobody outside has tried/);
  assert.match(told({ isPortChosen: true }), /^unknown: .*through the router at 198\.51\.100\.7/);
  assert.match(told({ seenAt: undefined }), /^unknown: nobody outside has connected/);
  assert.match(told({ seenAt: undefined, isAlone: true }), /^outgoing-only: nobody can find you/);
  assert.match(told({}, SERVER), /^unknown: nobody outside has tried to connect to 198.*:6881$/);
  assert.equal(
    told({ mapping: { outside } }),
    "mapped: from outside at 198.51.100.7:7000, a port that the router maps (UPnP)",
  );
  assert.equal(
    told({ mapping: { outside, problem: "another router is outside of it" } }),
    "outgoing-only: not from outside: another router is outside of it",
  );
});

Deno.test("reach by torrent: somebody has connected", () => {
  assert.equal(
    told({ arrival }),
    "mapped: from outside at 198.51.100.7:6881, a port that the router forwards",
  );
  assert.equal(told({ arrival }, SERVER), "open: from outside at 198.51.100.7:6881");
  assert.equal(told({ arrival, seenAt: undefined }), "open: from outside");
  assert.match(told({ arrival, mapping: { outside } }), /^mapped: .*maps \(UPnP\)$/);
  assert.equal(judge({ ...HOME, arrival }).connectedAt, 1_000);
});

Deno.test("reach by torrent: IPv6 counts for itself, whatever the router does with IPv4", () => {
  const evidence = {
    own: ["192.168.1.2", "fd00::5", "2600::5"],
    arrival6: { host: "2001:db8::9", at: 1_000 },
  };
  const only = "open (limited): from outside over IPv6 only at [2600::5]:6881";
  assert.equal(told(evidence), only);
  assert.equal(told({ ...evidence, refusedAt: 2_000 }), only);
  assert.match(judge({ ...HOME, ...evidence }).hint!, /UPnP/);
  assert.equal(
    told({ ...evidence, seenAt: undefined }),
    "open: from outside over IPv6 at [2600::5]:6881",
  );
  assert.match(told({ ...evidence, arrival }), /^mapped: from outside at 198/);
});

Deno.test("reach by torrent: others were asked to connect, and did not get through", () => {
  const refusedAt = 2_000;
  const { hint } = judge({ ...HOME, refusedAt, arrival });
  assert.equal(
    told({ refusedAt, arrival }),
    "outgoing-only: not from outside: the router at 198.51.100.7 lets no connection in",
  );
  assert.match(hint!, /UPnP.*TCP and UDP port 6881.*gtr config torrent\.port 6881/);
  assert.match(
    told({ refusedAt }, SERVER),
    /outgoing-only: .*a firewall keeps connections to port/,
  );
  assert.match(told({ refusedAt, mapping: { outside } }), /although the router maps port 7000/);
  assert.match(told({ refusedAt: 500, arrival }), /^mapped/, "somebody has since");
});

Deno.test("reach by torrent: who listens only at home is reached only there", () => {
  assert.equal(
    told({ host: "127.0.0.1", arrival }),
    "local: only from this machine: torrent.host is 127.0.0.1",
  );
  assert.equal(
    told({ seenAt: "192.168.1.2", arrival }),
    "local: only from the private network of 192.168.1.2",
  );
});

Deno.test("outside: neighbours prove nothing, but in a network of one's own that leads farther", () => {
  const own = {
    addresses: ["192.168.1.2"],
    includes: (host: string) => host.startsWith("192.168.1."),
  };
  const cases: [string, boolean, boolean][] = [
    ["203.0.113.9", false, true],
    ["192.168.1.2", true, false],
    ["192.168.1.7", true, false],
    ["10.77.0.1", true, true],
    ["10.77.0.1", false, false],
    ["127.0.0.1", true, false],
    ["2600::9", false, true],
    ["fe80::9", true, false],
  ];
  for (const [host, closed, expected] of cases) {
    assert.equal(isOutside(host, own, closed), expected, `${host} ${closed}`);
  }
});

Deno.test("arrivals: the latest that counts, of a bounded number", () => {
  const arrivals = new Arrivals();
  for (let n = 0; n < 1000; n++) arrivals.arrived(`10.0.${n >> 8}.${n & 255}`, n);
  arrivals.arrived("127.0.0.1", 2000);
  assert.deepEqual(arrivals.latest((host) => host !== "127.0.0.1"), {
    host: "10.0.3.231",
    at: 999,
  });
  assert.equal(arrivals.latest((host) => host === "10.0.0.1"), undefined);
});

Deno.test("reach by torrent: by a pinhole, for those who have IPv6", () => {
  const pinhole = { host: "2001:db9::2", port: 6881, by: "PCP" } as const;
  assert.equal(
    told({ pinhole }),
    "mapped (limited): from outside over IPv6 only at [2001:db9::2]:6881, by a pinhole (PCP)",
  );
  assert.equal(
    told({ pinhole, seenAt: undefined }),
    "mapped: from outside over IPv6 at [2001:db9::2]:6881, by a pinhole (PCP)",
  );
  assert.match(told({ pinhole, mapping: { outside } }), /^mapped: from outside at 198/);
  assert.match(told({ pinhole, arrival6: { host: "2001:db9::9", at: 5 } }), /by a pinhole/);
});
