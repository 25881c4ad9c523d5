import assert from "node:assert/strict";
import { NetworkError } from "../../../lib/common/errors.ts";
import { abortable, deadline, idleDeadline, sleep } from "../../../lib/common/wait.ts";
import { abortOf, listenersOf } from "./signals.ts";

Deno.test("a deadline says what was waited for and for how long", async () => {
  using limit = deadline(20, "an answer", undefined, "try again");
  assert.equal(limit.signal.aborted, false);
  const reason = await abortOf(limit.signal);
  assert.ok(reason instanceof NetworkError);
  assert.deepEqual(
    [reason.code, reason.message, reason.hint],
    ["timed-out", "waited 0 s for an answer: no answer", "try again"],
  );
});

Deno.test("a deadline follows its parent and leaves no listener behind", () => {
  const parent = new AbortController();
  const counted = listenersOf(parent.signal);
  {
    using limit = deadline(60_000, "an answer", parent.signal);
    using idle = idleDeadline(60_000, "an answer", parent.signal);
    assert.equal(counted(), 2);
    parent.abort("enough");
    assert.deepEqual([limit.signal.reason, idle.signal.reason], ["enough", "enough"]);
  }
  assert.equal(counted(), 0);
  using late = deadline(60_000, "an answer", parent.signal);
  using idle = idleDeadline(60_000, "an answer", parent.signal);
  assert.deepEqual([late.signal.reason, idle.signal.reason], ["enough", "enough"]);
});

Deno.test("a disposed deadline never fires", async () => {
  const parent = new AbortController();
  const limit = deadline(5, "an answer", parent.signal);
  const idle = idleDeadline(5, "an answer", parent.signal);
  limit[Symbol.dispose]();
  idle[Symbol.dispose]();
  await abortOf(AbortSignal.timeout(30));
  parent.abort();
  assert.deepEqual([limit.signal.aborted, idle.signal.aborted], [false, false]);
});

Deno.test("an idle deadline waits as long as it is touched, then tells what did not come", async () => {
  const started = performance.now();
  using idle = idleDeadline(120, "packs of hello", undefined, "wait for the publisher");
  const touching = setInterval(() => idle.touch(), 10);
  const stop = setTimeout(() => clearInterval(touching), 300);
  const reason = await abortOf(idle.signal);
  clearInterval(touching);
  clearTimeout(stop);
  const waited = performance.now() - started;
  assert.ok(waited >= 400, `it fired after ${waited} ms although it was touched for 300 ms`);
  assert.ok(reason instanceof NetworkError);
  assert.deepEqual(
    [reason.code, reason.message, reason.hint],
    ["nobody-answered", "nothing came for 0.1 s: packs of hello", "wait for the publisher"],
  );
});

Deno.test("abortable settles as the promise does, or when the signal aborts", async () => {
  const { signal } = new AbortController();
  const counted = listenersOf(signal);
  assert.equal(await abortable(Promise.resolve(1), signal), 1);
  await assert.rejects(abortable(Promise.reject(new Error("no")), signal), /no/);
  assert.equal(counted(), 0);

  const controller = new AbortController();
  const never = abortable(new Promise(() => {}), controller.signal);
  controller.abort(new Error("stopped"));
  await assert.rejects(never, /stopped/);
  // A rejection that nobody waits for any more is not an unhandled one.
  await assert.rejects(abortable(Promise.reject(new Error("late")), controller.signal), /stopped/);
});

Deno.test("sleep ends at its time or with the signal's reason", async () => {
  const controller = new AbortController();
  const counted = listenersOf(controller.signal);
  await sleep(1, controller.signal);
  assert.equal(counted(), 0);
  const long = sleep(60_000, controller.signal);
  controller.abort(new Error("stopped"));
  await assert.rejects(long, /stopped/);
  await assert.rejects(sleep(60_000, controller.signal), /stopped/);
});
