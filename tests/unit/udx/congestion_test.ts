import assert from "node:assert/strict";
import { AckAggregation } from "../../../lib/udx/ack_aggregation.ts";
import { Pacer } from "../../../lib/udx/pacing.ts";
import { RttEstimator } from "../../../lib/udx/rtt.ts";
import { noise, Simulator } from "./simulator.ts";

const SAMPLE = { delivered: 1, interval: 1, priorDelivered: 0, rtt: 1, lost: 0, appLimited: false };

Deno.test("ack aggregation: allows for what comes in bunches, and forgets it after ten rounds", () => {
  const aggregation = new AckAggregation();
  // One packet per ms, told twenty at a time.
  for (let now = 20; now <= 400; now += 20) {
    aggregation.update({ ...SAMPLE, acked: 20 }, 1, false, 100, now);
  }
  assert.ok(aggregation.allowance(1) >= 15 && aggregation.allowance(1) <= 25);
  assert.ok(aggregation.allowance(0.1) <= 10); // never more than 100 ms of the rate
  for (let now = 501; now <= 511; now++) {
    aggregation.update({ ...SAMPLE, acked: 1 }, 1, true, 100, now);
  }
  assert.ok(aggregation.allowance(1) <= 2, `${aggregation.allowance(1)}`);
});

Deno.test("pacing: keeps the rate over time, with bursts of a few packets only", () => {
  const pacer = new Pacer(1000, 0);
  let sent = 0;
  const drain = (now: number) => {
    while (pacer.ready(now)) {
      pacer.spend(1500);
      sent += 1500;
    }
  };
  drain(0);
  assert.ok(sent <= 16_500, `${sent} bytes at once`);
  assert.ok(pacer.readyAt() > 0 && pacer.readyAt() < 3);
  for (let now = 1; now <= 1000; now++) drain(now);
  assert.ok(sent > 1_000_000 && sent < 1_020_000, `${sent} bytes`);
  drain(60_000);
  assert.ok(sent < 1_040_000, "a pause isn't made up for");
});

Deno.test("round-trip time: one long sleep of the machine doesn't spoil it", () => {
  const rtt = new RttEstimator();
  for (let now = 0; now < 1000; now += 20) rtt.add(rtt.clamp(20), now);
  assert.ok(Math.abs(rtt.smoothed - 20) < 1 && rtt.rto === 1000);
  rtt.add(rtt.clamp(100_000), 101_000);
  assert.ok(rtt.rto < 1100, `${rtt.rto}`);
  assert.equal(Math.round(rtt.minimum), 20);
});

Deno.test("window: what an overtaken packet says of it is not believed", () => {
  const world = new Simulator({ delay: 10 }, { seqB: 1000 });
  const { a } = world;
  a.forge({ seq: 1002, ack: 0, window: 1_000_000 }, 0);
  a.forge({ seq: 1001, ack: 0, window: 0 }, 0);
  a.connection.write([noise(1000)], 0);
  assert.equal(a.sentPackets, 1);
  a.forge({ seq: 1003, ack: 1, window: 0 }, 0);
  a.connection.write([noise(1000)], 0);
  assert.equal(a.sentPackets, 1);
  assert.ok(a.connection.sender.blocked);
});
