import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import {
  asksForUs,
  presencePacket,
  readPresence,
  SERVICE,
} from "../../../../../lib/transports/holepunch/lan/records.ts";
import { isOnLink } from "../../../../../lib/transports/holepunch/lan/on_link.ts";
import type { Packet } from "../../../../../lib/types/multicast_dns.d.ts";

const key = fc.stringMatching(/^[0-9a-f]{64}$/);
const port = fc.integer({ min: 1, max: 65_535 });
const json = fc.jsonValue() as fc.Arbitrary<unknown>;
const record = fc.record({
  name: fc.oneof(fc.constantFrom(SERVICE, `x.${SERVICE}`), json),
  type: fc.oneof(fc.constantFrom("SRV", "TXT", "PTR"), json),
  ttl: json,
  data: fc.oneof(json, fc.record({ port: fc.oneof(port, json) }), fc.uint8Array()),
});

Deno.test("presence in a local network: what is said is read", () => {
  fc.assert(fc.property(key, port, (key, port) => {
    assert.deepEqual(readPresence(presencePacket({ key, port })), { key, port, gone: false });
    assert.deepEqual(readPresence(presencePacket({ key, port }, 0)), { key, port, gone: true });
  }));
});

Deno.test("presence in a local network: says nothing but a port and a key", () => {
  const said = { key: "ab".repeat(32), port: 1234 };
  const { answers = [], additionals = [] } = presencePacket(said);
  const text = JSON.stringify(
    [...answers, ...additionals],
    (_, value) => value?.type === "Buffer" ? Buffer.from(value.data).toString() : value,
  );
  const rest = text.replaceAll(said.key, "").replaceAll(said.key.slice(0, 16), "");
  assert.doesNotMatch(rest, /[0-9a-f]{8}/);
});

Deno.test("presence in a local network: any packet is read or refused", () => {
  const records = fc.array(record, { maxLength: 100 });
  const packet = fc.record({ questions: records, answers: records, additionals: records });
  fc.assert(
    fc.property(packet, (packet) => {
      const presence = readPresence(packet as Packet);
      assert.equal(typeof asksForUs(packet as Packet), "boolean");
      if (!presence) return;
      assert.match(presence.key, /^[0-9a-f]{64}$/);
      assert.ok(presence.port > 0 && presence.port < 65_536);
    }),
    { numRuns: 1000 },
  );
});

Deno.test("local networks: an address is in one of them, or isn't", () => {
  const locals = [
    { address: "192.168.7.5", netmask: "255.255.255.0" },
    { address: "10.1.2.3", netmask: "255.255.0.0" },
  ];
  for (const near of ["192.168.7.1", "192.168.7.255", "10.1.9.9"]) {
    assert.ok(isOnLink(near, locals), near);
  }
  for (const far of ["192.168.8.1", "10.2.2.3", "8.8.8.8", "::1", "", "1.2.3", "192.168.7.x"]) {
    assert.ok(!isOnLink(far, locals), far);
  }
  assert.ok(!isOnLink("192.168.7.1", []));
});
