import assert from "node:assert/strict";
import { mapLimited } from "../../../lib/common/map_limited.ts";

Deno.test("mapLimited: all of it in order, no more than so much at once", async () => {
  let running = 0;
  let most = 0;
  const results = await mapLimited([...Array(20).keys()], 3, async (n) => {
    most = Math.max(most, ++running);
    await Promise.resolve();
    running--;
    return n * n;
  });
  assert.deepEqual(results, [...Array(20).keys()].map((n) => n * n));
  assert.equal(most, 3);
  assert.deepEqual(await mapLimited([], 3, () => assert.fail("there is nothing")), []);
});

Deno.test("mapLimited: nothing more is begun after a failure", async () => {
  const begun: number[] = [];
  const work = (n: number) => {
    begun.push(n);
    return n === 1 ? Promise.reject(new Error("one")) : Promise.resolve(n);
  };
  await assert.rejects(mapLimited([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 2, work), /^Error: one$/);
  assert.ok(begun.length < 6, begun.join());
});
