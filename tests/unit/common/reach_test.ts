import assert from "node:assert/strict";
import fc from "fast-check";
import { mayDial, nearestOf, reachOf } from "../../../lib/common/reach.ts";

const HOSTS = {
  machine: [
    ...["127.0.0.1", "127.255.0.9", "0.0.0.0", "0.1.2.3", "169.254.0.1", "224.0.0.1", "239.1.2.3"],
    ...["240.0.0.1", "255.255.255.255", "localhost", "a.localhost", "LOCALHOST", "localhost."],
    ...["::", "::1", "[::1]", "0:0:0:0:0:0:0:1", "fe80::1", "febf::1", "ff02::1"],
    // as an IPv4 address may be hidden
    ...["127.1", "2130706433", "0x7f.0.0.1", "0177.0.0.1", "127.0.0.1."],
    ...["::ffff:127.0.0.1", "::FFFF:7f00:1", "::127.0.0.1", "64:ff9b::127.0.0.1"],
    ...["2002:7f00:1::", "2002:a9fe:a9fe:1::2", "2002::", "2001::1", "2001:0:102:304::5"],
    // what is no host
    ...[
      "",
      " ",
      "a b",
      "host:8080",
      "user@host",
      "host/path",
      "[::1",
      "1.2.3.4.5",
      "256.0.0.1",
      "?",
    ],
  ],
  private: [
    ...["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "100.127.0.1"],
    ...["fc00::1", "fd12:3456::1", "fec0::1", "::ffff:192.168.1.1"],
    ...["64:ff9b::10.0.0.1", "64:ff9b:1::1", "2002:c0a8:101::1"],
    ...["nas", "nas.local", "printer.lan", "wiki.internal", "x.home.arpa", "NAS.Local."],
  ],
  public: [
    ...["1.1.1.1", "9.255.255.255", "11.0.0.1", "100.63.255.255", "100.128.0.1", "126.0.0.1"],
    ...["128.0.0.1", "169.253.0.1", "172.15.0.1", "172.32.0.1", "192.167.0.1", "223.255.255.255"],
    ...["2001:db8::1", "[2606:4700::1111]", "::ffff:8.8.8.8", "64:ff9b::808:808"],
    ...["2002:808:808::1", "2001:4860::8888", "2001:1::1"],
    ...["example.org", "local.example.org", "127.0.0.1.example.org", "localhost.example.org"],
  ],
} as const;

for (const [reach, hosts] of Object.entries(HOSTS)) {
  Deno.test(`reach: what is ${reach}`, () => {
    for (const host of hosts) assert.equal(reachOf(host), reach, host);
  });
}

Deno.test("reach: of an IPv4 address it is the same in all its forms", () => {
  fc.assert(fc.property(fc.ipV4(), (address) => {
    const [a, b, c, d] = address.split(".").map(Number) as [number, number, number, number];
    const number = ((a * 256 + b) * 256 + c) * 256 + d;
    const reach = reachOf(address);
    const groups = number.toString(16).padStart(8, "0").replace(/^(.{4})/, "$1:");
    const ipv6 = [`::ffff:${address}`, `64:ff9b::${address}`, `2002:${groups}::1`];
    for (const form of [`${number}`, `0x${number.toString(16)}`, ...ipv6]) {
      assert.equal(reachOf(form), reach, form);
    }
  }));
});

Deno.test("reach: any text has one", () => {
  fc.assert(fc.property(fc.string(), (text) => {
    assert.ok(Object.hasOwn(HOSTS, reachOf(text)));
  }));
});

Deno.test("reach: nothing nearer is dialled than is allowed", () => {
  const dialled = (nearest: "machine" | "private" | "public") =>
    ["127.0.0.1", "10.0.0.1", "1.1.1.1"].filter((host) => mayDial(host, nearest));
  assert.deepEqual(dialled("machine"), ["127.0.0.1", "10.0.0.1", "1.1.1.1"]);
  assert.deepEqual(dialled("private"), ["10.0.0.1", "1.1.1.1"]);
  assert.deepEqual(dialled("public"), ["1.1.1.1"]);
});

Deno.test("reach: a node on loopback may be pointed there, one that listens anywhere may not", () => {
  for (
    const [hosts, nearest] of [
      [["127.0.0.1"], "machine"],
      [["0.0.0.0", "::1"], "machine"],
      [["0.0.0.0", "192.168.1.5"], "private"],
      [["1.1.1.1"], "public"],
      [["0.0.0.0", "::", "[::]", ""], "public"],
      [[], "public"],
    ] as const
  ) assert.equal(nearestOf(hosts), nearest, hosts.join());
});
