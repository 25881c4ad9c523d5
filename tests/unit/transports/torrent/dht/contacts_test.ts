import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { canonicalIp } from "../../../../../lib/common/ip_address.ts";
import {
  contactsIn,
  encodeContacts,
  type Family,
  NODES,
  wantedFamilies,
} from "../../../../../lib/transports/torrent/dht/contacts.ts";

const contact = (host: fc.Arbitrary<string>) =>
  fc.record({
    id: fc.uint8Array({ minLength: 20, maxLength: 20 }).map((id) => Buffer.from(id)),
    host: host.map((text) => canonicalIp(text)!),
    port: fc.integer({ min: 1, max: 65535 }),
  }, { noNullPrototype: true });

for (const family of [4, 6] as const satisfies readonly Family[]) {
  Deno.test(`contacts: nodes of IPv${family} are read as they were written`, () => {
    const hosts = family === 4 ? fc.ipV4() : fc.ipV6();
    const native = hosts.filter((text) => canonicalIp(text)!.includes(":") === (family === 6));
    fc.assert(fc.property(fc.array(contact(native), { maxLength: 20 }), (contacts) => {
      const reply = { [NODES[family]]: encodeContacts(contacts) };
      assert.deepEqual(contactsIn(reply, family), contacts);
      assert.deepEqual(contactsIn(reply, family === 4 ? 6 : 4), []);
    }));
  });

  Deno.test(`contacts: any bytes are read, bounded, for IPv${family}`, () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 2000 }), (bytes) => {
      const contacts = contactsIn({ [NODES[family]]: Buffer.from(bytes) }, family);
      assert.ok(contacts.length <= 20);
      for (const { host, port, id } of contacts) {
        assert.equal(canonicalIp(host), host);
        assert.equal(host.includes(":"), family === 6);
        assert.ok(port > 0 && id?.length === 20);
      }
    }));
    for (const bad of [undefined, 7, "nodes", [], {}]) {
      assert.deepEqual(contactsIn({ [NODES[family]]: bad }, family), []);
    }
  });
}

Deno.test("contacts: an IPv4 address in an IPv6 one is left out", () => {
  const hidden = Buffer.from(`${"11".repeat(20)}${"00".repeat(10)}ffff7f0000010007`, "hex");
  assert.deepEqual(contactsIn({ nodes6: hidden }, 6), []);
});

Deno.test("contacts: which families a query wants", () => {
  const want = (...names: string[]) => names.map((name) => Buffer.from(name));
  assert.deepEqual(wantedFamilies(undefined, 4), [4]);
  assert.deepEqual(wantedFamilies(want("n6"), 4), [6]);
  assert.deepEqual(wantedFamilies(want("n6", "n4"), 6), [4, 6]);
  for (const bad of ["n4", want("n5"), [], [7, {}], Array(100).fill("n").concat("n4")]) {
    assert.deepEqual(wantedFamilies(bad, 6), [6]);
  }
});
