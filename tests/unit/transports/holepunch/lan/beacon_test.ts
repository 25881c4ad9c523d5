import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import dgram from "node:dgram";
import { once } from "node:events";
// @ts-types="../../../../../lib/types/multicast_dns.d.ts"
import multicastDns from "multicast-dns";
import { Counters } from "../../../../../lib/common/counters.ts";
import { Beacon } from "../../../../../lib/transports/holepunch/lan/beacon.ts";
import {
  presencePacket,
  readPresence,
} from "../../../../../lib/transports/holepunch/lan/records.ts";
import { until } from "../../../../e2e/until.ts";

/** Multicast that doesn't leave this machine. */
const LOOPBACK = { address: "127.0.0.1", netmask: "255.0.0.0" };

function begin() {
  const dropped = new Counters();
  const own = { port: 1000, key: randomBytes(32).toString("hex") };
  const found = Promise.withResolvers<void>();
  const beacon = new Beacon({
    own,
    locals: [LOOPBACK],
    found: found.resolve,
    dropped: (reason) => dropped.add(reason),
  });
  return { beacon, own, found: found.promise, dropped: () => dropped.toJSON() };
}

const stranger = () => presencePacket({ port: 7, key: randomBytes(32).toString("hex") });

Deno.test("beacon: two find each other, and one that goes is forgotten", async () => {
  const one = begin();
  const other = begin();
  await Promise.all([one.found, other.found]);
  assert.deepEqual(one.beacon.neighbours.map(({ key, host, port }) => ({ key, host, port })), [
    { ...other.own, host: LOOPBACK.address },
  ]);
  await other.beacon[Symbol.asyncDispose]();
  await until("it is forgotten", () => Promise.resolve(one.beacon.neighbours.length === 0));
  await one.beacon[Symbol.asyncDispose]();
});

Deno.test("beacon: only what comes from the local network and from its port counts", async () => {
  const { beacon, own, dropped } = begin();
  await using _beacon = beacon;
  beacon.heard(stranger(), { address: "192.0.2.1", port: 5353 });
  beacon.heard(stranger(), { address: "127.0.0.2", port: 5354 });
  beacon.heard(presencePacket(own), { address: "127.0.0.2", port: 5353 });
  assert.equal(beacon.neighbours.length, 0);
  assert.equal(dropped()["lan-elsewhere"], 2);
});

Deno.test("beacon: of one address, and in all, only so many are remembered", async () => {
  const { beacon, dropped } = begin();
  await using _beacon = beacon;
  for (let i = 0; i < 10; i++) beacon.heard(stranger(), { address: "127.0.0.2", port: 5353 });
  assert.equal(beacon.neighbours.length, 4);
  for (let i = 3; i < 250; i++) beacon.heard(stranger(), { address: `127.0.0.${i}`, port: 5353 });
  assert.equal(beacon.neighbours.length, 32);
  assert.ok(dropped()["lan-limit"]! > 200);
  beacon.forget(beacon.neighbours[0]!.key);
  assert.equal(beacon.neighbours.length, 31);
});

Deno.test("beacon: who isn't heard for two minutes isn't there, who is has time again", async () => {
  const { beacon } = begin();
  await using _beacon = beacon;
  const real = performance.now;
  let now = real.call(performance);
  performance.now = () => now;
  try {
    const packet = stranger();
    const from = { address: "127.0.0.2", port: 5353 };
    beacon.heard(packet, from);
    now += 120_000;
    assert.equal(beacon.neighbours.length, 1);
    beacon.heard(packet, from);
    now += 120_000;
    assert.equal(beacon.neighbours.length, 1);
    now += 1;
    assert.equal(beacon.neighbours.length, 0);
  } finally {
    performance.now = real;
  }
});

Deno.test("beacon: nobody takes a neighbour's place or takes it away from elsewhere", async () => {
  const { beacon } = begin();
  await using _beacon = beacon;
  const key = randomBytes(32).toString("hex");
  beacon.heard(presencePacket({ port: 7, key }), { address: "127.0.0.2", port: 5353 });
  beacon.heard(presencePacket({ port: 8, key }), { address: "127.0.0.3", port: 5353 });
  beacon.heard(presencePacket({ port: 7, key }, 0), { address: "127.0.0.3", port: 5353 });
  assert.deepEqual(beacon.neighbours.map(({ host, port }) => [host, port]), [["127.0.0.2", 7]]);
});

Deno.test("beacon: however often others come and go, it speaks once a second", async () => {
  const { beacon, own } = begin();
  const observer = multicastDns({ interface: LOOPBACK.address, bind: "0.0.0.0" });
  const ended = Promise.withResolvers<void>();
  let said = 0;
  observer.on("response", (packet) => {
    const presence = readPresence(packet);
    if (presence?.key !== own.key) return;
    said++;
    if (presence.gone) ended.resolve();
  });
  await new Promise<void>((resolve) => observer.on("ready", resolve));
  const begun = performance.now();
  for (let i = 0; i < 200; i++) {
    const key = randomBytes(32).toString("hex");
    const from = { address: "127.0.0.2", port: 5353 };
    beacon.heard(presencePacket({ port: 7, key }), from);
    beacon.heard(presencePacket({ port: 7, key }, 0), from);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await beacon[Symbol.asyncDispose]();
  await ended.promise;
  // Beside what is said at the start, where it asks, and at the end.
  const most = 3 + (performance.now() - begun) / 1000;
  assert.ok(said >= 1 && said <= most, `${said} packets`);
  await new Promise<void>((resolve) => observer.destroy(resolve));
});

Deno.test("beacon: where the port is another program's alone, nobody is found", async () => {
  const other = dgram.createSocket("udp4");
  other.bind(5353, "0.0.0.0");
  await once(other, "listening");
  const { beacon, dropped } = begin();
  await until(
    "it is told, each time it is tried",
    () => Promise.resolve((dropped()["lan-error"] ?? 0) > 1),
  );
  await beacon[Symbol.asyncDispose]();
  other.close();
  await once(other, "close");
});
