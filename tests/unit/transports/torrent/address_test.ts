import assert from "node:assert/strict";
import fc from "fast-check";
import { canonicalIp } from "../../../../lib/common/ip_address.ts";
import {
  compactAddress,
  formatHostPort,
  parseAddress,
  parseHostPort,
  readCompact,
} from "../../../../lib/transports/torrent/address.ts";

const addresses = fc.record({
  host: fc.oneof(fc.ipV4(), fc.ipV6()).map((text) => canonicalIp(text)!),
  port: fc.integer({ min: 1, max: 65535 }),
}, { noNullPrototype: true });

Deno.test("addresses: text and back, and bytes and back", () => {
  fc.assert(fc.property(addresses, (address) => {
    const text = formatHostPort(address);
    assert.deepEqual(parseHostPort(text), address);
    assert.deepEqual(parseAddress(text), address);
    const bytes = compactAddress(address);
    assert.equal(bytes.length, address.host.includes(":") ? 18 : 6);
    assert.deepEqual(readCompact(bytes), address);
  }));
});

Deno.test("addresses: names and both families, nothing else", () => {
  const cases: Record<string, { host: string; port: number } | undefined> = {
    "router.example:6881": { host: "router.example", port: 6881 },
    "10.0.0.1:6881": { host: "10.0.0.1", port: 6881 },
    "[2001:DB8::1]:80": { host: "2001:db8::1", port: 80 },
    "[::ffff:10.0.0.1]:80": { host: "10.0.0.1", port: 80 },
  };
  for (const [text, address] of Object.entries(cases)) {
    assert.deepEqual(parseHostPort(text), address);
  }
  assert.equal(parseAddress("router.example:6881"), undefined);
  for (
    const text of [
      ...["", "a", "a:", ":1", "a:0", "a:65536", "a:1:2", "a b:1", "a:1x", "1.2.3.4", "1.2.3:4x"],
      ...["::1:80", "[::1]", "[::1]:0", "[::1]:65536", "[host]:1", "[1.2.3.4]x:1", "[fe80::1%2]:1"],
    ]
  ) assert.equal(parseHostPort(text), undefined, text);
});

Deno.test("addresses: compact forms of another length, or of no port, are refused", () => {
  for (const length of [0, 5, 7, 17, 19]) {
    assert.equal(readCompact(new Uint8Array(length).fill(1)), undefined);
  }
  assert.equal(readCompact(new Uint8Array(6)), undefined);
  assert.equal(readCompact(new Uint8Array(18)), undefined);
  const mapped = Uint8Array.fromHex(`${"00".repeat(10)}ffff7f0000010007`);
  assert.deepEqual(readCompact(mapped), { host: "127.0.0.1", port: 7 });
});
