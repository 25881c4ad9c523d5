import assert from "node:assert/strict";
import * as fc from "fast-check";
import { FollowSchedule, type Outcome } from "../../../lib/daemon/follow_schedule.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;

/** A day of asking about one repository; the times at which it was asked about. */
function run(
  schedule: FollowSchedule,
  until: number,
  answer: (now: number) => Outcome,
  notices: readonly number[] = [],
): number[] {
  const asked: number[] = [];
  const left = [...notices].sort((a, b) => a - b);
  for (let now = 0; now <= until;) {
    while (left.length > 0 && left[0]! <= now) {
      schedule.notice("a");
      left.shift();
    }
    for (const key of schedule.take(1, now)) {
      asked.push(now);
      schedule.ended(key, answer(now), now);
    }
    now = Math.min(schedule.nextAt(), left[0] ?? Infinity);
  }
  return asked;
}

const gaps = (times: readonly number[]) => times.slice(1).map((time, i) => time - times[i]!);

function fresh(random = () => 0.5): FollowSchedule {
  const schedule = new FollowSchedule(random);
  schedule.set(["a"], 0);
  return schedule;
}

Deno.test("asked at once, then at intervals that double to half an hour", () => {
  for (const outcome of ["same", "skipped", "failed"] as const) {
    const times = run(fresh(), 3 * 60 * MINUTE, () => outcome);
    assert.equal(times[0], 0);
    assert.deepEqual(
      gaps(times).slice(0, 9),
      [30, 60, 120, 240, 480, 960, 1800, 1800, 1800].map((s) => s * SECOND),
    );
  }
});

Deno.test("a publisher that is gone for a year costs no more than two questions an hour", () => {
  const times = run(fresh(Math.random), 365 * 24 * 60 * MINUTE, () => "failed");
  assert.ok(times.length < 365 * 24 * 2.8, String(times.length));
});

Deno.test("a change makes the next question come soon", () => {
  const times = run(fresh(), 60 * MINUTE, (now) => now === 450 * SECOND ? "changed" : "same");
  assert.deepEqual(gaps(times).slice(3, 6), [240, 30, 60].map((s) => s * SECOND));
});

Deno.test("any jitter stays within a quarter, and followers don't ask together", () => {
  fc.assert(fc.property(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (r) => {
    const [first, second] = gaps(run(fresh(() => r), 10 * MINUTE, () => "same"));
    assert.ok(first! >= 22.5 * SECOND && first! <= 37.5 * SECOND);
    assert.ok(second! >= 45 * SECOND && second! <= 75 * SECOND);
  }));
  const firsts = Array.from({ length: 20 }, () => run(fresh(Math.random), MINUTE, () => "same")[1]);
  assert.ok(new Set(firsts).size > 1);
});

Deno.test("a notice is acted on at once, whatever the interval", () => {
  const at = 100 * MINUTE;
  const times = run(fresh(), 200 * MINUTE, (now) => now === at ? "changed" : "same", [at]);
  assert.ok(times.includes(at));
  assert.equal(times[times.indexOf(at) + 1], at + 30 * SECOND);
});

Deno.test("news of no concern: the next notice is believed, the next question comes no sooner", () => {
  const noticed = Array.from({ length: 20 }, (_, i) => (61 + i) * MINUTE);
  const times = run(
    fresh(),
    120 * MINUTE,
    (now) => noticed.includes(now) ? "skipped" : "same",
    noticed,
  );
  for (const at of noticed) assert.ok(times.includes(at), `the notice of minute ${at / MINUTE}`);
  assert.ok(times[times.indexOf(noticed.at(-1)!) + 1]! - noticed.at(-1)! >= 30 * MINUTE);
});

Deno.test("a notice that comes while it is being asked is not lost", () => {
  const schedule = fresh();
  assert.deepEqual(schedule.take(1, 0), ["a"]);
  schedule.notice("a");
  assert.equal(schedule.nextAt(), Infinity);
  assert.deepEqual(schedule.take(1, 500), []);
  schedule.ended("a", "changed", 600);
  assert.equal(schedule.nextAt(), SECOND);
  assert.deepEqual(schedule.take(1, SECOND), ["a"]);
});

Deno.test("a peer that cries wolf every second is believed less and less", () => {
  const notices = Array.from({ length: 24 * 3600 }, (_, i) => i * SECOND);
  const times = run(fresh(), 24 * 60 * MINUTE, () => "same", notices);
  assert.ok(times.length < 100, String(times.length));
});

Deno.test("no more than so many at a time, the longest waiting first", () => {
  const schedule = new FollowSchedule(() => 0.5);
  schedule.set(["a", "b"], 0);
  schedule.set(["a", "b", "c"], 5);
  assert.deepEqual(schedule.take(0, 10), []);
  assert.deepEqual(schedule.take(2, 10), ["a", "b"]);
  assert.deepEqual(schedule.take(2, 10), ["c"]);
  assert.equal(schedule.nextAt(), Infinity);
});

Deno.test("what is no longer followed is not asked about, nor minded when it ends", () => {
  const schedule = fresh();
  schedule.take(1, 0);
  schedule.set(["b"], 1);
  schedule.ended("a", "changed", 2);
  schedule.notice("a");
  assert.deepEqual(schedule.take(9, 3), ["b"]);
});
