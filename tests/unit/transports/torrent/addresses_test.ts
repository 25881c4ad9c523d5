import assert from "node:assert/strict";
import type { NetworkInterfaceInfo } from "node:os";
import { reachOf } from "../../../../lib/common/reach.ts";
import { parseAddress } from "../../../../lib/transports/torrent/address.ts";
import {
  dialable,
  mayDial,
  publicEndpoints,
  publicIpv6,
  readEndpoints,
} from "../../../../lib/transports/torrent/addresses.ts";

Deno.test("addresses: a chosen address is told, the addresses of a home are not", () => {
  assert.equal(dialable("127.0.0.1", 7), "127.0.0.1:7");
  assert.equal(dialable("::1", 7), "[::1]:7");
  assert.deepEqual(publicEndpoints("127.0.0.1", 7), ["127.0.0.1:7"]);
  assert.deepEqual(publicEndpoints("2001:db8::1", 7), ["[2001:db8::1]:7"]);
  assert.match(dialable("0.0.0.0", 7), /^(?!0\.0\.0\.0)\d+\.\d+\.\d+\.\d+:7$/);
  for (const any of ["0.0.0.0", "::"]) {
    for (const text of dialable(any, 7).split(",")) assert.ok(parseAddress(text), text);
    const told = publicEndpoints(any, 7);
    assert.ok(told.length <= 4);
    for (const text of told) assert.equal(reachOf(parseAddress(text)!.host), "public");
  }
});

/** A machine with a loopback, a network at home, and public addresses. */
const INTERFACES = {
  lo: [card("127.0.0.1", true), card("::1", true)],
  eth0: [
    card("192.168.1.2"),
    card("8.8.8.8"),
    card("8.8.4.4"),
    card("1.1.1.1"),
    card("2001:db8::2"), // temporary
    card("2001:db8::1"),
    card("2001:db8::3"),
    card("fe80::1"),
  ],
  down: undefined,
};

function card(address: string, internal = false) {
  const family = address.includes(":") ? "IPv6" as const : "IPv4" as const;
  const more = { netmask: "", mac: "", cidr: null, scopeid: 0 };
  return { address, family, internal, ...more } as NetworkInterfaceInfo;
}

Deno.test("addresses: of a machine's, two public ones of each family are told, the lasting ones first", () => {
  const told = (host: string, outside?: { host: string; port: number }) =>
    publicEndpoints(host, 7, outside, INTERFACES);
  const ipv4 = ["1.1.1.1:7", "8.8.4.4:7"];
  const ipv6 = ["[2001:db8::3]:7", "[2001:db8::1]:7"];
  assert.deepEqual(told("0.0.0.0"), ipv4);
  assert.deepEqual(told("::"), [...ipv4, ...ipv6]);
  assert.deepEqual(told("192.168.1.2"), ["192.168.1.2:7"], "it was chosen");
  const outside = { host: "9.9.9.9", port: 8 };
  assert.deepEqual(told("::", outside), ["9.9.9.9:8", ...ipv6], "the router's instead");
  assert.deepEqual(told("0.0.0.0", outside), ["9.9.9.9:8"]);
  assert.deepEqual(told("::", { host: "100.64.0.1", port: 8 }), [...ipv4, ...ipv6]);
});

Deno.test("addresses: a neighbour dials one of each family, whatever it is good for elsewhere", () => {
  assert.equal(dialable("0.0.0.0", 7, INTERFACES), "1.1.1.1:7");
  assert.equal(dialable("::", 7, INTERFACES), "1.1.1.1:7,[2001:db8::3]:7");
  const home = { lo: INTERFACES.lo, eth0: INTERFACES.eth0.slice(0, 1) };
  assert.equal(dialable("::", 7, home), "192.168.1.2:7");
  assert.deepEqual(publicEndpoints("::", 7, undefined, home), []);
  assert.equal(dialable("::", 7, { lo: INTERFACES.lo }), "127.0.0.1:7");
  assert.equal(publicIpv6("::", INTERFACES), "2001:db8::3");
  assert.equal(publicIpv6("0.0.0.0", INTERFACES), undefined);
  assert.equal(publicIpv6("::", home), undefined);
});

Deno.test("addresses: a public IPv6 address is one that the node listens on", () => {
  assert.equal(publicIpv6("2001:db8::1"), "2001:db8::1");
  for (const host of ["192.0.2.1", "0.0.0.0", "::1", "fd00::1"]) {
    assert.equal(publicIpv6(host), undefined, host);
  }
});

Deno.test("addresses: of a stranger's endpoints only IP addresses with a port are dialled", () => {
  const endpoints = ["1.2.3.4:5", "host:5", "1.2.3.4", "1.2.3.4:0", "1.2.3.4:65536", "::1:5", ""];
  assert.deepEqual(readEndpoints(endpoints), [{ host: "1.2.3.4", port: 5 }]);
  assert.deepEqual(readEndpoints(["[2001:DB8::1]:5", "[::ffff:1.2.3.4]:5"]), [
    { host: "2001:db8::1", port: 5 },
    { host: "1.2.3.4", port: 5 },
  ]);
  assert.deepEqual(readEndpoints(undefined), []);
  assert.equal(readEndpoints(Array(100).fill("1.2.3.4:5")).length, 8);
});

Deno.test("addresses: on the public network strangers can't point at what is inside", () => {
  const inside = [
    "0.0.0.0",
    "127.0.0.1",
    "127.8.8.8",
    "169.254.169.254",
    "224.0.0.1",
    "255.255.255.255",
    ...["::", "::1", "fe80::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:7f00:1", "::127.0.0.1"],
    ...["64:ff9b::127.0.0.1", "2002:7f00:1::", "2002:a9fe:a9fe::1", "2001:0:1:2:3:4:5:6"],
  ];
  for (const host of inside) {
    assert.equal(mayDial(host, undefined), false, host);
    assert.equal(mayDial(host, []), true, host);
    assert.equal(mayDial(host, ["127.0.0.1:1"]), true, host);
  }
  for (
    const host of [
      "1.2.3.4",
      "12.7.0.1",
      "192.168.1.2",
      "10.0.0.1",
      "223.255.255.1",
      "2001:db8::1",
      "fd00::1",
    ]
  ) {
    assert.equal(mayDial(host, undefined), true, host);
  }
});
