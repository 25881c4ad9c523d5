import assert from "node:assert/strict";
import { ipBytes } from "../../../../../lib/common/ip_address.ts";
import { SeenAs } from "../../../../../lib/transports/torrent/swarm/seen_as.ts";

Deno.test("seen as: what most peers say comes first; one address is one voice a family", () => {
  const seen = new SeenAs();
  for (let n = 0; n < 100; n++) seen.heard("192.0.2.66", ipBytes(`10.0.0.${n}`));
  seen.heard("192.0.2.1", ipBytes("203.0.113.5"));
  seen.heard("192.0.2.2", ipBytes("203.0.113.5"));
  seen.heard("192.0.2.2", ipBytes("2001:db8::5"));
  seen.heard("2001:db8:1::1", ipBytes("2001:db8::5"));
  seen.heard("2001:db8:1::2", ipBytes("2001:db8::5")); // the same /64
  seen.heard("192.0.2.3", Uint8Array.fromHex(`${"00".repeat(10)}ffffcb007105`)); // IPv4 in IPv6
  assert.deepEqual(seen.addresses, [
    { address: "203.0.113.5", peers: 3 },
    { address: "2001:db8::5", peers: 2 },
    { address: "10.0.0.99", peers: 1 },
  ]);
});

Deno.test("seen as: other lengths are ignored, and not more than 64 peers are remembered", () => {
  const seen = new SeenAs();
  for (const said of [undefined, 7, "1.2.3.4", new Uint8Array(5), new Uint8Array(0), {}]) {
    seen.heard("192.0.2.1", said);
  }
  assert.deepEqual(seen.addresses, []);
  for (let n = 0; n < 200; n++) seen.heard(`192.0.2.${n}`, ipBytes("203.0.113.5"));
  assert.deepEqual(seen.addresses, [{ address: "203.0.113.5", peers: 64 }]);
});
