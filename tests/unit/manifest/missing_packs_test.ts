import fc from "fast-check";
import assert from "node:assert/strict";
import { missingPacks } from "../../../lib/manifest/missing_packs.ts";
import { planPacks } from "../../../lib/manifest/plan_packs.ts";
import { hex, pack } from "./fixture.ts";

const tip = (name: string | number) => hex(40, String(name));
const base = pack("base", { tips: [tip("a"), tip("b")] });
const second = pack("second", { tips: [tip("c")] });
const third = pack("third", { tips: [tip("c"), tip("d")] });
const packs = [base, second, third];

function missing(heldPacks: string[], heldObjects: string[]): string[] {
  const has = { packs: new Set(heldPacks), objects: new Set(heldObjects.map(tip)) };
  return missingPacks({ packs }, has).map(({ sha256 }) => sha256);
}

Deno.test("an empty store lacks every pack, in the manifest's order", () => {
  assert.deepEqual(missing([], []), packs.map(({ sha256 }) => sha256));
  assert.deepEqual(missingPacks({ packs: [] }, { packs: new Set(), objects: new Set() }), []);
});

Deno.test("a pack is not fetched if all its tips are held", () => {
  assert.deepEqual(missing([], ["a"]), packs.map(({ sha256 }) => sha256));
  assert.deepEqual(missing([], ["a", "b"]), [second.sha256, third.sha256]);
  assert.deepEqual(missing([], ["a", "b", "c"]), [third.sha256]);
  assert.deepEqual(missing([], ["a", "b", "c", "d"]), []);
});

Deno.test("a pack is not fetched if it is held, wherever it stands", () => {
  assert.deepEqual(missing([second.sha256], []), [base.sha256, third.sha256]);
  assert.deepEqual(missing([third.sha256], ["a", "b"]), [second.sha256]);
});

Deno.test("who has only what a forced push left gets what it took back", () => {
  // main: a-b, forced to a-c, then forced back and on to a-b-d, which builds on the first pack.
  const history = [
    pack("a, b", { tips: [tip("b")] }),
    pack("c", { tips: [tip("c")] }),
    pack("d", { tips: [tip("d")] }),
  ];
  const has = { packs: new Set<string>(), objects: new Set([tip("a"), tip("c")]) };
  assert.deepEqual(missingPacks({ packs: history }, has), [history[0], history[2]]);
});

/** Commits 0..n by their parents, and which of them the branches name at each publication. */
const history = fc.array(fc.array(fc.nat(), { maxLength: 2 }), { minLength: 3, maxLength: 12 })
  .map((all) => all.map((parents, i) => i === 0 ? [] : parents.map((p) => p % i)))
  .chain((parents) => {
    const commits = parents.map((_, i) => i);
    return fc.record({
      parents: fc.constant(parents),
      publications: fc.array(fc.subarray(commits, { minLength: 1, maxLength: 3 }), {
        minLength: 1,
        maxLength: 6,
      }),
      reader: fc.subarray(commits),
      heldPacks: fc.array(fc.nat(5), { maxLength: 2 }),
    });
  });

function closure(parents: number[][], from: Iterable<number>): Set<number> {
  const reached = new Set<number>();
  const walk = (commit: number) => {
    if (reached.has(commit)) return;
    reached.add(commit);
    parents[commit]!.forEach(walk);
  };
  [...from].forEach(walk);
  return reached;
}

Deno.test("held and fetched are the whole repository, whatever was pushed, forced and merged", () => {
  fc.assert(
    fc.property(history, ({ parents, publications, reader, heldPacks }) => {
      // As a publisher makes packs: what the branches reach and the kept packs' tips do not.
      let made: { size: number; tips: number[]; objects: number[] }[] = [];
      for (const refs of publications) {
        const beyond = (kept: typeof made) => {
          const known = closure(parents, kept.flatMap(({ tips }) => tips));
          return [...closure(parents, refs)].filter((commit) => !known.has(commit));
        };
        const kept = made.slice(0, planPacks(made, beyond(made).length));
        const objects = beyond(kept);
        if (beyond(made).length === 0) continue;
        const tips = refs.filter((oid) => !kept.some((one) => one.tips.includes(oid)));
        made = [...kept, { size: objects.length, tips, objects }];
      }
      const listed = made.map((one, i) => pack(`${i}`, { tips: one.tips.map(tip) }));
      const present = closure(parents, reader);
      const held = new Set(heldPacks.filter((i) => i < listed.length));
      const has = {
        packs: new Set([...held].map((i) => listed[i]!.sha256)),
        objects: new Set([...present].map(tip)),
      };
      const fetched = missingPacks({ packs: listed }, has);
      assert.deepEqual(fetched, listed.filter((one) => fetched.includes(one)));
      made.forEach(({ objects }, i) => {
        if (held.has(i) || fetched.includes(listed[i]!)) objects.forEach((oid) => present.add(oid));
      });
      for (const oid of closure(parents, publications.at(-1)!)) assert.ok(present.has(oid));
    }),
    { numRuns: 300 },
  );
});

Deno.test("packs that were made as one are skipped by the tips of the last, all or none", () => {
  const [first, middle, last] = [
    pack("part 1", { tips: [] }),
    pack("part 2", { tips: [] }),
    pack("part 3", { tips: [tip("b")] }),
  ];
  const packs = [base, first, middle, last, third];
  const lacks = (heldPacks: string[], heldObjects: string[]) =>
    missingPacks({ packs }, {
      packs: new Set(heldPacks),
      objects: new Set(heldObjects.map(tip)),
    });
  assert.deepEqual(lacks([], []), packs);
  assert.deepEqual(lacks([], ["b"]), [base, third]);
  assert.deepEqual(lacks([], ["a", "b", "c", "d"]), []);
  assert.deepEqual(lacks([], ["a"]), packs);
  assert.deepEqual(lacks([middle.sha256, base.sha256], ["c"]), [first, last, third]);
  assert.deepEqual(missingPacks({ packs: [first] }, { packs: new Set(), objects: new Set() }), [
    first,
  ]);
});
