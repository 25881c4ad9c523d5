import assert from "node:assert/strict";
import fc from "fast-check";
import { Mutex } from "../../../lib/common/mutex.ts";

Deno.test("work of one key runs one at a time and in order, whatever fails or gives up", async () => {
  await fc.assert(fc.asyncProperty(
    fc.array(
      fc.record({
        key: fc.constantFrom("a", "b"),
        outcome: fc.constantFrom("done", "fails", "given up"),
        turns: fc.nat(3),
      }),
      { maxLength: 12 },
    ),
    async (calls) => {
      const mutex = new Mutex();
      const running = new Map<string, number>();
      const order: number[] = [];
      const results = await Promise.allSettled(calls.map(({ key, outcome, turns }, i) => {
        const controller = new AbortController();
        const result = mutex.run(key, async () => {
          assert.equal(running.get(key) ?? 0, 0);
          running.set(key, 1);
          for (let n = 0; n < turns; n++) await Promise.resolve();
          running.set(key, 0);
          order.push(i);
          if (outcome === "fails") throw new Error("no");
          return i;
        }, controller.signal);
        if (outcome === "given up") controller.abort(new Error("given up"));
        return result;
      }));
      const ran = calls.map((call, i) => ({ ...call, i }));
      for (const key of ["a", "b"]) {
        const expected = ran.filter((c) => c.key === key && order.includes(c.i)).map(({ i }) => i);
        assert.deepEqual(order.filter((i) => calls[i]!.key === key), expected);
      }
      results.forEach((result, i) => {
        const { outcome } = calls[i]!;
        if (outcome === "done") assert.deepEqual(result, { status: "fulfilled", value: i });
        else assert.equal(result.status, "rejected");
      });
    },
  ));
});

Deno.test("one who gives up waiting never works, and those behind wait for the first all the same", async () => {
  const mutex = new Mutex();
  const { promise, resolve } = Promise.withResolvers<void>();
  const order: string[] = [];
  const first = mutex.run("k", () => promise.then(() => void order.push("first")));
  const controller = new AbortController();
  const second = mutex.run("k", () => Promise.resolve(order.push("second")), controller.signal);
  const third = mutex.run("k", () => Promise.resolve(order.push("third")));
  controller.abort(new Error("given up"));
  await assert.rejects(second, /given up/);
  assert.deepEqual(order, []);
  resolve();
  await Promise.all([first, third]);
  assert.deepEqual(order, ["first", "third"]);
});
