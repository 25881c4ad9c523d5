import assert from "node:assert/strict";
import { Counters } from "../../../lib/common/counters.ts";

Deno.test("counters count by reason, sorted, and no more than 200 reasons", () => {
  const counters = new Counters();
  for (const reason of ["b", "a", "b"]) counters.add(reason);
  assert.equal(JSON.stringify(counters), '{"a":1,"b":2}');
  for (let i = 0; i < 1000; i++) counters.add(`reason ${i}`);
  assert.equal(Object.keys(counters.toJSON()).length, 200);
  counters.add("a");
  assert.equal(counters.toJSON().a, 2);
});
