import assert from "node:assert/strict";
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
  assert.ok(readEndpoints(Array(100).fill("1.2.3.4:5")).length <= 8);
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
