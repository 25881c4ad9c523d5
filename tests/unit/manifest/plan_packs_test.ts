import fc from "fast-check";
import assert from "node:assert/strict";
import { planPacks } from "../../../lib/manifest/plan_packs.ts";

const sizes = fc.array(fc.integer({ min: 1, max: 1e9 }), { maxLength: 20 });
const packs = (list: number[]) => list.map((size) => ({ size }));
const sum = (list: number[]) => list.reduce((a, b) => a + b, 0);

/** Sizes after a publication, as if merging neither saved nor cost bytes. */
function publish(before: number[], added: number): number[] {
  const kept = planPacks(packs(before), added);
  return [...before.slice(0, kept), sum(before.slice(kept)) + added];
}

Deno.test("examples", () => {
  assert.equal(planPacks([], 10), 0);
  assert.equal(planPacks(packs([100]), 10), 1);
  assert.equal(planPacks(packs([100]), 100), 1);
  assert.equal(planPacks(packs([100]), 101), 0);
  assert.equal(planPacks(packs([100, 10]), 10), 2);
  assert.equal(planPacks(packs([100, 10]), 11), 1);
  assert.equal(planPacks(packs([100, 60]), 50), 0);
  assert.equal(planPacks(packs([100, 40, 20]), 10), 3);
});

Deno.test("each kept pack is at least as large as all that follows, and no more could be kept", () => {
  const holds = (list: number[], kept: number, added: number) =>
    list.slice(0, kept).every((size, i) => size >= sum(list.slice(i + 1)) + added);
  fc.assert(fc.property(sizes, fc.integer({ min: 1, max: 1e9 }), (before, added) => {
    const kept = planPacks(packs(before), added);
    assert.ok(holds(before, kept, added));
    assert.ok(kept === before.length || !holds(before, kept + 1, added));
  }));
});

Deno.test("over any history packs stay few, and bytes are not written often", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 1e6 }), { minLength: 1, maxLength: 200 }),
      (all) => {
        let list: number[] = [];
        let written = 0;
        for (const added of all) {
          list = publish(list, added);
          written += list.at(-1)!;
          assert.ok(list.length <= Math.log2(sum(list) / Math.min(...list)) + 2);
        }
        const total = sum(all);
        assert.equal(sum(list), total);
        assert.ok(written <= total * (Math.log2(total / Math.min(...all)) + 1));
      },
    ),
    { numRuns: 50 },
  );
});

Deno.test("the base is written again only when what follows reaches its size", () => {
  let list = [1_000_000];
  let following = 0;
  while (list[0] === 1_000_000) {
    list = publish(list, 1_000);
    following += 1_000;
  }
  assert.ok(following > 1_000_000 && following <= 1_002_000);
});
