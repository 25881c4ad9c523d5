import assert from "node:assert/strict";
import fc from "fast-check";
import { RateLimiter } from "../../../lib/common/rate_limiter.ts";

Deno.test("rate limiter: never more than the rate and one second's burst", () => {
  const step = fc.record({ bytes: fc.integer({ min: 1, max: 16384 }), pause: fc.nat(300) });
  fc.assert(
    fc.property(fc.integer({ min: 1000, max: 100_000 }), fc.array(step), (rate, steps) => {
      let now = 0;
      const limiter = new RateLimiter(rate, () => now);
      let sent = 0;
      for (const { bytes, pause } of steps) {
        now += pause;
        const at = now + limiter.take(bytes); // the caller sends then
        sent += bytes;
        assert.ok(sent <= rate + rate * at / 1000 + 1e-6);
        assert.ok(sent >= bytes || at === now);
      }
    }),
  );
});

Deno.test("rate limiter: no limit, no wait", () => {
  assert.equal(new RateLimiter(0, () => 0).take(1e12), 0);
});
