/** Who wrote a repository: the version vector, and its bounds. */
import assert from "node:assert/strict";
import { manifestFault } from "../../../lib/manifest/schema.ts";
import { joinWriters, MAX_WRITERS, standing, writersOf } from "../../../lib/manifest/writers.ts";
import { manifest } from "./fixture.ts";

const machine = (i: number) => i.toString(16).padStart(16, "0");
/** So many machines, the first of which wrote first. */
const writers = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [machine(i), i + 1]));

Deno.test("writers: sixteen machines are named, those that wrote last", () => {
  assert.equal(MAX_WRITERS, 16);
  const joined = joinWriters(writers(17));
  assert.equal(Object.keys(joined).length, 16);
  assert.equal(joined[machine(0)], undefined);
  assert.equal(joined[machine(16)], 17);
  assert.deepEqual({ ...joinWriters({ a: 0 }, { a: 3, b: 1 }, { a: 2 }) }, { a: 3, b: 1 });
  assert.deepEqual({ ...joinWriters({ a: 0 }) }, { a: 0 });
  assert.deepEqual(Object.keys(joinWriters({ b: 1, a: 1 })), ["a", "b"]);
});

Deno.test("writers: how publications stand to each other", () => {
  assert.equal(standing({}, {}), "same");
  assert.equal(standing({ a: 1 }, { a: 1 }), "same");
  assert.equal(standing({}, { a: 1 }), "behind");
  assert.equal(standing({ a: 2 }, { a: 1 }), "ahead");
  assert.equal(standing({ a: 2 }, { a: 1, b: 1 }), "apart");
  assert.deepEqual(writersOf({}), {});
});

Deno.test("writers: a manifest names up to sixteen, each with a number from one on", () => {
  const fault = (given: unknown) => manifestFault(manifest({ writers: given }));
  assert.equal(fault(writers(16)), undefined);
  assert.match(fault(writers(17))!, /^writers: more than 16$/);
  assert.equal(fault({ [machine(1)]: 1 }), undefined);
  for (const last of [0, -1, 1.5, 2 ** 53, "1", null]) {
    assert.match(fault({ [machine(1)]: last })!, /^writers/, String(last));
  }
  for (const name of ["", "a", machine(1).slice(1), machine(1) + "0", "G".repeat(16)]) {
    assert.match(fault({ [name]: 1 })!, /^writers/, name);
  }
});
