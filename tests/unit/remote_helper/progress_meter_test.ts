import assert from "node:assert/strict";
import { humanBytes, ProgressMeter } from "../../../lib/remote_helper/progress_meter.ts";

function meter() {
  const written: string[] = [];
  const clock = { now: 0 };
  return {
    written,
    clock,
    meter: new ProgressMeter((text) => written.push(text), () => clock.now),
  };
}

Deno.test("progress: packs with bytes and rate, in git's form", () => {
  const { meter: m, clock, written } = meter();
  m.report(0, 20 * 2 ** 20, "0/7");
  clock.now = 1000;
  m.report(5 * 2 ** 20, 20 * 2 ** 20, "3/7");
  clock.now = 2000;
  m.report(20 * 2 ** 20, 20 * 2 ** 20, "7/7");
  m.done();
  assert.deepEqual(written.map((line) => line.replace(/ +\r$/, "\r")), [
    "Receiving packs:   0% (0/7), 0 bytes\r",
    "Receiving packs:  25% (3/7), 5.00 MiB | 5.00 MiB/s\r",
    "Receiving packs: 100% (7/7), 20.00 MiB | 10.00 MiB/s\r",
    "Receiving packs: 100% (7/7), 20.00 MiB | 10.00 MiB/s, done.\n",
  ]);
});

Deno.test("progress: the rate leaves out what was there before, and changes twice a second", () => {
  const { meter: m, clock, written } = meter();
  m.report(1024, 4096, "0/1");
  clock.now = 400;
  m.report(2048, 4096, "0/1");
  assert.match(written.at(-1)!, /: {2}50% \(0\/1\), 1\.00 KiB *\r/);
  clock.now = 1000;
  m.report(3072, 4096, "0/1");
  assert.match(written.at(-1)!, /: {2}75% \(0\/1\), 3\.00 KiB \| 2\.00 KiB\/s/);
});

Deno.test("progress: twice a second exactly, and the last report at once", () => {
  const { meter: m, clock, written } = meter();
  m.report(0, 4096, "0/2");
  clock.now = 500;
  m.report(1024, 4096, "0/2");
  assert.match(written.at(-1)!, /25% \(0\/2\), 1\.00 KiB \| 2\.00 KiB\/s\r/);
  clock.now = 600;
  m.report(2048, 4096, "1/2");
  assert.match(written.at(-1)!, /50% \(1\/2\), 1\.00 KiB \| 2\.00 KiB\/s\r/);
  m.report(4096, 4096, "2/2");
  assert.match(written.at(-1)!, /100% \(2\/2\), 4\.00 KiB \| 6\.67 KiB\/s\r/);
  clock.now = 700;
  m.report(5000, 4096, "2/2"); // more than was announced is not more than all
  assert.match(written.at(-1)!, /100% \(2\/2\), 4\.00 KiB \| 6\.67 KiB\/s\r/);
  const lines = written.length;
  m.report(5000, 4096, "2/2");
  assert.equal(written.length, lines, "the same line isn't written twice");
});

Deno.test("progress: what comes after the end begins anew, with a rate of its own", () => {
  const { meter: m, clock, written } = meter();
  m.report(1024, 1024, "1/1");
  m.done();
  clock.now = 100;
  m.report(2048, 4096, "1/2");
  clock.now = 1100;
  m.report(3072, 4096, "1/2");
  m.abandon();
  m.done();
  m.report(10, 20, "1/2 of it");
  m.report(7, 9, "Packs 1/2");
  assert.deepEqual(written, [
    "Receiving packs: 100% (1/1), 1.00 KiB\r",
    "Receiving packs: 100% (1/1), 1.00 KiB, done.\n",
    "Receiving packs:  50% (1/2), 2.00 KiB\r",
    "Receiving packs:  75% (1/2), 3.00 KiB | 1.00 KiB/s\r",
    "\n",
    "1/2 of it:  50% (10/20)\r",
    "1/2 of it:  50% (10/20), done.\n",
    "Packs 1/2:  77% (7/9)\r",
  ]);
});

Deno.test("progress: another activity ends the line before it; shorter lines wipe longer ones", () => {
  const { meter: m, written } = meter();
  m.report(10, 100, "Indexing objects");
  m.report(1234, 0, "Enumerating objects");
  m.report(1, 0, "Enumerating objects");
  m.done();
  m.done();
  assert.deepEqual(written, [
    "Indexing objects:  10% (10/100)\r",
    "Indexing objects:  10% (10/100), done.\n",
    "Enumerating objects: 1234\r",
    "Enumerating objects: 1   \r",
    "Enumerating objects: 1, done.\n",
  ]);
});

Deno.test("progress: an abandoned line is left as it is", () => {
  const { meter: m, written } = meter();
  m.abandon();
  m.report(1, 2, "Indexing objects");
  m.abandon();
  assert.deepEqual(written, ["Indexing objects:  50% (1/2)\r", "\n"]);
});

Deno.test("humanBytes: git's units", () => {
  assert.deepEqual([1023.9, 1024, 12.4 * 2 ** 20, 2 ** 30].map(humanBytes), [
    "1023 bytes",
    "1.00 KiB",
    "12.40 MiB",
    "1.00 GiB",
  ]);
});
