import assert from "node:assert/strict";
import {
  dialable,
  mayDial,
  publicEndpoints,
  readEndpoints,
} from "../../../../lib/transports/torrent/addresses.ts";

Deno.test("addresses: a chosen address is told, the addresses of a home are not", () => {
  assert.equal(dialable("127.0.0.1", 7), "127.0.0.1:7");
  assert.deepEqual(publicEndpoints("127.0.0.1", 7), ["127.0.0.1:7"]);
  assert.match(dialable("0.0.0.0", 7), /^(?!0\.0\.0\.0)\d+\.\d+\.\d+\.\d+:7$/);
  for (const endpoint of publicEndpoints("0.0.0.0", 7)) {
    assert.doesNotMatch(endpoint, /^(0|10|127|192\.168|172\.16)\./);
  }
});

Deno.test("addresses: of a stranger's endpoints only IPv4 addresses with a port are dialled", () => {
  const endpoints = ["1.2.3.4:5", "host:5", "1.2.3.4", "1.2.3.4:0", "1.2.3.4:65536", "[::1]:5", ""];
  assert.deepEqual(readEndpoints(endpoints), [{ host: "1.2.3.4", port: 5 }]);
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
  ];
  for (const host of inside) {
    assert.equal(mayDial(host, undefined), false, host);
    assert.equal(mayDial(host, []), true, host);
    assert.equal(mayDial(host, ["127.0.0.1:1"]), true, host);
  }
  for (const host of ["1.2.3.4", "12.7.0.1", "192.168.1.2", "10.0.0.1", "223.255.255.1"]) {
    assert.equal(mayDial(host, undefined), true, host);
  }
});
