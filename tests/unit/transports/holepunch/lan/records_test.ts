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

Deno.test("presence in a local network: the records, as multicast DNS has them", () => {
  const key = "0123456789abcdef".repeat(4);
  const name = `0123456789abcdef.${SERVICE}`;
  const { answers, additionals } = presencePacket({ key, port: 1234 }, 9);
  assert.deepEqual(answers, [{ name: SERVICE, type: "PTR", ttl: 9, data: name }]);
  const data = { port: 1234, target: "0123456789abcdef.local", priority: 0, weight: 0 };
  assert.deepEqual(additionals, [
    { name, type: "SRV", ttl: 9, data },
    { name, type: "TXT", ttl: 9, data: [Buffer.from(`k=${key}`)] },
  ]);
});

Deno.test("presence in a local network: a port, and a key in any of the texts", () => {
  const key = "ab".repeat(32);
  const read = (data: unknown, text: unknown, change: object = {}) => {
    const { additionals } = presencePacket({ key, port: 1 });
    const [place, words] = additionals!;
    const records = [{ ...place, data }, { ...words, data: text, ...change }];
    return readPresence({ additionals: records } as unknown as Packet);
  };
  const said = `k=${key}`;
  for (const port of [1, 65_535]) assert.deepEqual(read({ port }, said)?.port, port);
  for (const data of [{ port: 0 }, { port: 65_536 }, { port: "1" }, {}, null, undefined, 1]) {
    assert.equal(read(data, said), undefined, JSON.stringify(data));
  }
  for (const text of [said, [said], [Buffer.from(said)], ["x", 7, said], Buffer.from(said)]) {
    assert.equal(read({ port: 1 }, text)?.key, key);
  }
  for (const text of [[], undefined, 7, `k=${key}0`, `xk=${key}`, `k=${key.slice(1)}`]) {
    assert.equal(read({ port: 1 }, text), undefined, String(text));
  }
  assert.equal(read({ port: 1 }, said, { name: `other.${SERVICE}` }), undefined, "of another");
  assert.equal(read({ port: 1 }, said, { type: "A" }), undefined);
  assert.ok(read({ port: 1 }, said, {}));
});

Deno.test("presence in a local network: of a packet no more than 64 records are looked at", () => {
  const other = { name: "x.local", type: "A", ttl: 9, data: "192.0.2.1" };
  const filled = (count: number) => Array.from({ length: count }, () => other);
  const asks = (before: number) =>
    asksForUs({ questions: [...filled(before), { name: SERVICE, type: "PTR" }] } as Packet);
  assert.deepEqual([asks(63), asks(64)], [true, false]);
  const said = presencePacket({ key: "a".repeat(64), port: 1 }).additionals!;
  const reads = (before: number) =>
    readPresence({ answers: [...filled(before), ...said] } as Packet) !== undefined;
  assert.deepEqual([reads(62), reads(63)], [true, false]);
  assert.ok(asksForUs({ questions: [{ name: SERVICE.toUpperCase(), type: "ANY" }] } as Packet));
  assert.ok(!asksForUs({ questions: [{ name: SERVICE, type: "SRV" }] } as Packet));
});
