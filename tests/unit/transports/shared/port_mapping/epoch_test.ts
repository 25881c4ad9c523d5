import assert from "node:assert/strict";
import { Epoch } from "../../../../../lib/transports/shared/port_mapping/epoch.ts";

Deno.test("epoch: a router's clock that goes on is no restart", () => {
  const epoch = new Epoch();
  assert.equal(epoch.seen(1000, 0), false);
  assert.equal(epoch.seen(1060, 60_000), false);
  assert.equal(epoch.seen(1111, 120_000), false, "an eighth slower");
  assert.equal(epoch.seen(9999, 180_000), false, "faster, or set");
});

Deno.test("epoch: one that begins anew is", () => {
  const epoch = new Epoch();
  assert.equal(epoch.isRestart(0, 0), false, "nothing is known");
  epoch.seen(1000, 0);
  assert.equal(epoch.isRestart(5, 10_000), true);
  assert.equal(epoch.seen(5, 10_000), true);
  assert.equal(epoch.seen(15, 20_000), false, "once");
});

Deno.test("epoch: one that stands still is, after a while", () => {
  const epoch = new Epoch();
  epoch.seen(1000, 0);
  assert.equal(epoch.isRestart(1000, 2000), false);
  assert.equal(epoch.isRestart(1000, 10_000), true);
});
