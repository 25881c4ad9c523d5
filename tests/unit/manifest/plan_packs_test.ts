import fc from "fast-check";
import assert from "node:assert/strict";
import { endOfGroups, packGroups } from "../../../lib/manifest/pack_groups.ts";
import { planPacks } from "../../../lib/manifest/plan_packs.ts";

const sizes = fc.array(fc.integer({ min: 1, max: 1e9 }), { maxLength: 20 });
const packs = (list: number[]) => list.map((size) => ({ size, tips: [""] }));
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

/** What was published together, as far as a limit splits it. */
type Group = readonly number[];

const listed = (groups: readonly Group[]) =>
  groups.flatMap((group) =>
    group.map((size, i) => ({ size, tips: i + 1 < group.length ? [] : [""] }))
  );

/** The groups after a publication of `added` bytes in packs of at most `limit`, and bytes written. */
function publishSplit(before: readonly Group[], added: number, limit: number): [Group[], number] {
  const kept = planPacks(listed(before), added, limit);
  const groups: Group[] = [];
  while (groups.flat().length < kept) groups.push(before[groups.length]!);
  assert.equal(groups.flat().length, kept, "what was made as one is kept or merged as one");
  const size = sum(before.slice(groups.length).flat()) + added;
  const parts = Array.from(
    { length: Math.ceil(size / limit) },
    (_, i) => Math.min(limit, size - i * limit),
  );
  return [[...groups, parts], size];
}

Deno.test("groups of packs, and where the last whole one ends", () => {
  const of = (groups: readonly Group[]) =>
    packGroups(listed(groups)).map((g) => g.map((p) => p.size));
  assert.deepEqual(of([]), []);
  assert.deepEqual(of([[1], [2, 3], [4, 5, 6]]), [[1], [2, 3], [4, 5, 6]]);
  const cut = listed([[1], [2, 3, 4]]).slice(0, 3);
  assert.deepEqual(packGroups(cut).map((group) => group.length), [1, 2]);
  assert.equal(endOfGroups(cut), 1);
  assert.equal(endOfGroups(listed([[1], [2, 3]])), 3);
  assert.equal(endOfGroups(cut.slice(1)), 0);
  assert.equal(endOfGroups([]), 0);
});

Deno.test("examples with a limit", () => {
  assert.equal(planPacks(packs([60]), 61, 64), 1);
  assert.equal(planPacks(packs([30]), 31, 64), 0);
  assert.equal(planPacks(packs([60, 3]), 4, 64), 1);
  assert.equal(planPacks(packs([60, 61]), 1, 64), 2);
  assert.equal(planPacks(listed([[64, 10], [3]]), 4, 64), 2);
  assert.equal(planPacks(listed([[64, 10], [3]]), 400, 64), 3);
  assert.equal(planPacks(listed([[64, 10], [3]]), 400), 0);
});

Deno.test("over any history with a limit, packs stay few and full ones are not written again", () => {
  const limit = 1000;
  const small = fc.integer({ min: 1, max: limit / 2 });
  const any = fc.oneof({ weight: 9, arbitrary: small }, fc.integer({ min: 1, max: 5 * limit }));
  fc.assert(
    fc.property(fc.array(any, { minLength: 1, maxLength: 300 }), (all) => {
      let groups: Group[] = [];
      let written = 0;
      for (const added of all) {
        const before = groups;
        const [next, bytes] = publishSplit(before, added, limit);
        const last = next.at(-1)!;
        assert.ok(last.length === 1 || bytes === added, "only what is new is split");
        groups = next;
        written += bytes;
      }
      const total = sum(all);
      assert.equal(sum(groups.flat()), total);
      assert.ok(groups.flat().every((size) => size <= limit));
      assert.ok(written <= total * (Math.log2(limit) + 1));
      const rows = (2 * total) / limit + 1; // what doesn't merge makes more than the limit together
      assert.ok(groups.flat().length <= rows * (Math.log2(limit) + 2));
    }),
    { numRuns: 100 },
  );
});
