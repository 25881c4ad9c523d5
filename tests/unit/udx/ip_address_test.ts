import assert from "node:assert/strict";
import fc from "fast-check";
import { isIP } from "node:net";
import {
  addressBytes,
  addressText,
  family,
  isLoopback,
  mapped,
  unmapped,
} from "../../../lib/udx/ip_address.ts";
import { SocketAddresses } from "../../../lib/udx/socket_address.ts";

Deno.test("ip address: text and bytes of known ones", () => {
  for (
    const [text, bytes] of [
      ["192.0.2.1", [192, 0, 2, 1]],
      ["::", new Array(16).fill(0)],
      ["::1", [...new Array(15).fill(0), 1]],
      ["2001:db8::ff00:42:8329", [32, 1, 13, 184, 0, 0, 0, 0, 0, 0, 255, 0, 0, 66, 131, 41]],
      ["1:0:0:2::3", [0, 1, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3]],
    ] as const
  ) {
    assert.deepEqual([...addressBytes(text)], [...bytes]);
    assert.equal(isIP(addressText(Uint8Array.from(bytes))), family(text));
    assert.deepEqual([...addressBytes(addressText(Uint8Array.from(bytes)))], [...bytes]);
  }
  assert.equal(addressText(addressBytes("2001:db8:0:0:1:0:0:1")), "2001:db8::1:0:0:1");
  assert.equal(addressText(addressBytes("1:2:3:4:5:6:0:8")), "1:2:3:4:5:6:0:8");
});

Deno.test("ip address: any bytes are the same after text, and as Node shortens them", () => {
  const groups = fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff })), {
    minLength: 8,
    maxLength: 8,
  });
  fc.assert(fc.property(groups, (groups) => {
    fc.pre(groups[0] !== 0 || groups[5] !== 0xffff);
    const bytes = Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 255]));
    const text = addressText(bytes);
    assert.equal(isIP(text), 6, text);
    assert.deepEqual(addressBytes(text), bytes);
    // The URL standard shortens as RFC 5952 does.
    assert.equal(`[${text}]`, new URL(`http://[${text}]`).hostname);
  }));
});

Deno.test("ip address: IPv4 within IPv6, and this machine's own", () => {
  assert.equal(mapped("192.0.2.1"), "::ffff:192.0.2.1");
  assert.equal(mapped("2001:db8::1"), "2001:db8::1");
  assert.equal(unmapped("::ffff:192.0.2.1"), "192.0.2.1");
  assert.equal(addressText(addressBytes(mapped("192.0.2.1"))), "192.0.2.1");
  assert.ok(isLoopback("127.9.9.9") && isLoopback("::1") && !isLoopback("10.0.0.1"));
});

Deno.test("socket address: what is encoded is decoded, for sockets of both families", () => {
  const cases = [[4, "192.0.2.1"], [6, "2001:db8::1"], [6, "192.0.2.1"]] as const;
  for (const [kind, host] of cases) {
    const addresses = new SocketAddresses(kind);
    for (const port of [1, 65_535]) {
      const decoded = addresses.decode(addresses.encode(host, port));
      assert.deepEqual([decoded.host, decoded.port], [host, port]);
    }
  }
});

Deno.test("socket address: only so many are remembered, whoever makes us send", () => {
  const addresses = new SocketAddresses(4);
  const host = (i: number) => `10.0.${i >> 8}.${i & 255}`;
  const first = addresses.encode(host(0), 1);
  for (let i = 0; i < 4096; i++) addresses.encode(host(i), 1);
  assert.equal(addresses.encode(host(4095), 1), addresses.encode(host(4095), 1));
  assert.equal(addresses.encode(host(0), 1), first);
  addresses.encode(host(4096), 1);
  assert.notEqual(addresses.encode(host(0), 1), first);
});
