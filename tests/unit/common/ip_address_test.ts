import assert from "node:assert/strict";
import { isIP } from "node:net";
import fc from "fast-check";
import {
  canonicalIp,
  embeddedIpv4,
  ipBytes,
  ipText,
  peerIp,
  placeOf,
} from "../../../lib/common/ip_address.ts";

Deno.test("IP addresses: each has one form", () => {
  const forms = {
    "1.2.3.4": ["1.2.3.4", "::ffff:1.2.3.4", "::FFFF:102:304", "0:0:0:0:0:ffff:0102:0304"],
    "2001:db8::1": ["2001:db8::1", "2001:DB8:0:0::1", "2001:0db8:0000:0000:0000:0000:0000:0001"],
    "::1": ["::1", "0:0:0:0:0:0:0:1", "::0.0.0.1"],
    "::": ["::", "0::0"],
    "1:2:3:4:5:6:7:0": ["1:2:3:4:5:6:7::"],
    "64:ff9b::102:304": ["64:ff9b::1.2.3.4"],
  };
  for (const [form, texts] of Object.entries(forms)) {
    for (const text of texts) assert.equal(canonicalIp(text), form, text);
  }
});

Deno.test("IP addresses: what is none has no form", () => {
  for (
    const text of [
      ...[
        "",
        "host",
        "1.2.3",
        "01.2.3.4",
        "1.2.3.4.5",
        "256.0.0.1",
        "[::1]",
        "::1%lo",
        "fe80::1%2",
      ],
      ...[":::", "1::2::3", "12345::", "::1.2.3", "::1/64", " ::1", "1.2.3.4:5"],
    ]
  ) assert.equal(canonicalIp(text), undefined, text);
  fc.assert(fc.property(fc.string(), (text) => {
    const form = canonicalIp(text);
    if (form !== undefined) assert.equal(canonicalIp(form), form);
  }));
});

Deno.test("IP addresses: the same texts are addresses as for Node", () => {
  const part = fc.oneof(
    fc.constantFrom(":", "::", ".", "0", "00", "255", "256", "1.2.3.4", "ffff", "12345", "g"),
    fc.nat(300).map((n) => n.toString(16)),
  );
  const text = fc.oneof(
    fc.array(part, { maxLength: 16 }).map((parts) => parts.join("")),
    fc.ipV6(),
  );
  fc.assert(
    fc.property(text, (text) => assert.equal(canonicalIp(text) !== undefined, isIP(text) !== 0)),
    { numRuns: 2000 },
  );
});

Deno.test("IP addresses: bytes and back", () => {
  fc.assert(fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
    const form = canonicalIp(text)!;
    assert.equal(canonicalIp(form), form);
    assert.equal(ipText(ipBytes(form)), form);
  }));
  fc.assert(fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
    const text = ipText(bytes);
    if (text.includes(":")) assert.deepEqual(ipBytes(text), bytes);
    else assert.deepEqual(ipBytes(text), bytes.subarray(12));
  }));
  assert.throws(() => ipText(new Uint8Array(5)), RangeError);
});

Deno.test("IP addresses: the IPv4 address that an IPv6 address leads to", () => {
  fc.assert(fc.property(fc.ipV4(), (ipv4) => {
    const hex = ipBytes(ipv4).toHex().replace(/^(.{4})/, "$1:");
    for (const text of [`64:ff9b::${ipv4}`, `2002:${hex}::`, `2002:${hex}:1::8`]) {
      assert.equal(embeddedIpv4(canonicalIp(text)!), ipv4, text);
      assert.equal(placeOf(text), ipv4, text);
    }
    assert.equal(placeOf(`::ffff:${ipv4}`), ipv4);
  }));
  for (const text of ["1.2.3.4", "::", "::1", "2001:db8::1", "64:ff9b:1::102:304"]) {
    assert.equal(embeddedIpv4(text), undefined, text);
  }
});

Deno.test("IP addresses: one customer is one place", () => {
  const places = {
    "192.0.2.1": "192.0.2.1",
    "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64",
    "2001:db8:1:2::6": "2001:db8:1:2::/64",
    "2001:DB8::1": "2001:db8::/64",
    "::1": "::/64",
    "fe80::1%eth0": "fe80::/64",
    "": "",
    "host": "host",
  };
  for (const [address, place] of Object.entries(places)) assert.equal(placeOf(address), place);
});

Deno.test("IP addresses: of a socket's other end", () => {
  assert.equal(peerIp({ remoteAddress: "::ffff:127.0.0.1" }), "127.0.0.1");
  assert.equal(peerIp({ remoteAddress: "fe80::1%2" }), "fe80::1");
  assert.equal(peerIp({}), "");
});
