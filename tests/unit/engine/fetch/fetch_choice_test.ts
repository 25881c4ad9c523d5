import assert from "node:assert/strict";
import { CHEAP_BYTES, chooseFetch } from "../../../../lib/engine/fetch/fetch_choice.ts";

const A = "a".repeat(40);
const B = "b".repeat(40);
const NOTHING = { packs: new Set<string>(), objects: new Set<string>() };
const FIRST = { packs: new Set(["first"]), objects: new Set([A]) };
const pack = (sha256: string, size: number, tip: string) => ({
  sha256,
  size,
  infohash: "",
  objects: 1,
  tips: [tip],
});

/** Two packs, of which the second has `size` bytes. */
function listed(size: number, flow?: string) {
  const packs = [pack("first", 1e9, A), pack("second", size, B)];
  return { packs, refs: { "refs/heads/main": B }, ...(flow && { flow }) };
}

const announced = { packs: [], refs: { "refs/heads/main": B }, flow: "announce" };

function isLive(...args: Parameters<typeof chooseFetch>): boolean {
  return chooseFetch(...args).live;
}

Deno.test("what is only announced is fetched live, unless all of it is here", () => {
  for (const purpose of ["use", "follow"] as const) {
    assert.ok(isLive(announced, NOTHING, purpose));
    assert.ok(isLive(announced, FIRST, purpose));
    assert.ok(!isLive(announced, { packs: new Set(), objects: new Set([A, B]) }, purpose));
  }
});

Deno.test("costly packs are fetched live for use, where something is here already", () => {
  const costly = listed(CHEAP_BYTES + 1);
  assert.ok(isLive(costly, FIRST, "use"));
  assert.ok(!isLive(listed(CHEAP_BYTES), FIRST, "use"));
  assert.ok(!isLive(costly, NOTHING, "use"));
  assert.ok(!isLive(costly, FIRST, "follow"));
  assert.deepEqual(chooseFetch(costly, FIRST, "use").missing, [costly.packs[1]]);
});

Deno.test("a publisher who serves none live is not asked to; an unknown flow is both", () => {
  assert.ok(!isLive(listed(CHEAP_BYTES + 1, "put"), FIRST, "use"));
  assert.ok(isLive(listed(CHEAP_BYTES + 1, "by-pigeon"), FIRST, "use"));
});
