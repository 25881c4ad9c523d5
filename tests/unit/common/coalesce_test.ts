import assert from "node:assert/strict";
import { Coalesce } from "../../../lib/common/coalesce.ts";
import type { Wait } from "../../../lib/common/wait.ts";
import { abortOf, listenersOf } from "./signals.ts";

/** Work that notes how often it was started, and ends when it is told to. */
function work() {
  const runs: (Wait & PromiseWithResolvers<string>)[] = [];
  const start = (wait: Wait) => {
    const run = { ...wait, ...Promise.withResolvers<string>() };
    runs.push(run);
    wait.signal.addEventListener("abort", () => run.reject(wait.signal.reason));
    return run.promise;
  };
  return { runs, start };
}

const forever = () => ({ signal: new AbortController().signal });

Deno.test("calls with one key that overlap are one run; later ones and other keys are not", async () => {
  const joined = new Coalesce<string>();
  const { runs, start } = work();
  const both = [joined.run("a", start, forever()), joined.run("a", start, forever())];
  const other = joined.run("b", start, forever());
  assert.equal(runs.length, 2);
  runs[0]!.resolve("one");
  runs[1]!.resolve("two");
  assert.deepEqual(await Promise.all([...both, other]), ["one", "one", "two"]);

  const again = joined.run("a", start, forever());
  assert.equal(runs.length, 3);
  runs[2]!.reject(new Error("no"));
  await assert.rejects(again, /no/);
});

Deno.test("every caller sees the progress as long as it waits", async () => {
  const joined = new Coalesce<string>();
  const { runs, start } = work();
  const seen: string[] = [];
  const caller = (name: string) => {
    const controller = new AbortController();
    const progress = (done: number) => void seen.push(`${name}${done}`);
    return { controller, wait: { signal: controller.signal, progress } };
  };
  const [a, b] = [caller("a"), caller("b")];
  const first = joined.run("k", start, a.wait);
  const second = joined.run("k", start, b.wait);
  runs[0]!.progress?.(1, 2, "bytes");
  a.controller.abort(new Error("left"));
  await assert.rejects(first, /left/);
  runs[0]!.progress?.(2, 2, "bytes");
  runs[0]!.resolve("done");
  assert.equal(await second, "done");
  assert.deepEqual(seen, ["a1", "b1", "b2"]);
});

Deno.test("a run that was begun by who wants no progress makes none", async () => {
  const joined = new Coalesce<string>();
  const { runs, start } = work();
  const first = joined.run("k", start, forever());
  assert.equal(runs[0]!.progress, undefined);
  runs[0]!.resolve("done");
  await first;
});

Deno.test("the run is aborted when its last caller has left, and the next call starts afresh", async () => {
  const joined = new Coalesce<string>();
  const { runs, start } = work();
  const [a, b] = [new AbortController(), new AbortController()];
  const first = joined.run("k", start, { signal: a.signal });
  const second = joined.run("k", start, { signal: b.signal });
  a.abort(new Error("left"));
  await assert.rejects(first, /left/);
  assert.equal(runs[0]!.signal.aborted, false);

  b.abort(new Error("left too"));
  await assert.rejects(second, /left too/);
  assert.match(String(await abortOf(runs[0]!.signal)), /left too/);

  const third = joined.run("k", start, forever());
  assert.equal(runs.length, 2);
  runs[1]!.resolve("new");
  assert.equal(await third, "new");
  await assert.rejects(joined.run("k", start, { signal: b.signal }), /left too/);
  assert.equal(runs.length, 2);
});

Deno.test("a caller that stays to the end leaves no listener on its signal", async () => {
  const joined = new Coalesce<string>();
  const { signal } = new AbortController();
  const counted = listenersOf(signal);
  await joined.run("k", () => Promise.resolve(""), { signal });
  await assert.rejects(joined.run("k", () => Promise.reject(new Error("no")), { signal }));
  assert.equal(counted(), 0);
});
