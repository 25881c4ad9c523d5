/** What a lone seed tells its readers: no network, no clock. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { SuperSeed } from "../../../../../lib/transports/torrent/swarm/super_seed.ts";

const PIECES = 40;

/** What each reader was told, in order. */
function told(seed: SuperSeed<string>, now: number): Map<string, number[]> {
  return new Map(seed.due(now).map(([reader, pieces]) => [reader, [...pieces]]));
}

Deno.test("super-seeding: a reader that is alone is told of everything", () => {
  const seed = new SuperSeed<string>(PIECES);
  assert.equal(seed.join("a"), true);
  assert.deepEqual(seed.due(0), []);
});

Deno.test("super-seeding: of several readers, each is told of other pieces, and of more as it gets them", () => {
  const seed = new SuperSeed<string>(PIECES);
  seed.join("first");
  for (const reader of ["a", "b", "c"]) assert.equal(seed.join(reader), false);
  const pieces = told(seed, 0);
  const all = [...pieces.values()].flat();
  assert.equal(all.length, 12);
  assert.equal(new Set(all).size, all.length, "a piece was told twice");
  const [one] = pieces.get("a")!;
  seed.has("a", one!, 1_000);
  const more = told(seed, 1_000);
  assert.deepEqual([...more.keys()], ["a"]);
  assert.equal(more.get("a")!.length, 1);
  assert.ok(!all.includes(more.get("a")![0]!));
});

Deno.test("super-seeding: what a reader asks for or has is told to no other while there is more", () => {
  const seed = new SuperSeed<string>(PIECES);
  seed.join("first");
  for (let piece = 0; piece < 20; piece++) seed.has("first", piece, 0);
  for (let piece = 20; piece < 30; piece++) seed.asked("first", piece, 0);
  seed.join("a");
  seed.join("b");
  assert.ok([...told(seed, 0).values()].flat().every((piece) => piece >= 30));
});

Deno.test("super-seeding: quick readers are told further ahead, slow ones less", () => {
  const seed = new SuperSeed<string>(PIECES);
  for (const reader of ["first", "quick", "slow"]) seed.join(reader);
  const pieces = told(seed, 0);
  for (const piece of pieces.get("quick")!) seed.has("quick", piece, 10);
  assert.equal(told(seed, 10).get("quick")!.length, 8);
  for (const piece of pieces.get("slow")!.slice(0, 2)) seed.has("slow", piece, 5_000);
  assert.equal(told(seed, 5_000).get("slow"), undefined, "its other two are enough");
});

Deno.test("super-seeding: what nobody got in time is told to others", () => {
  const seed = new SuperSeed<string>(4);
  for (const reader of ["first", "silent", "good"]) seed.join(reader);
  seed.due(0);
  assert.deepEqual(told(seed, 0).get("good"), undefined, "all four were told, and are expected");
  assert.equal(seed.join("late"), false);
  assert.equal(told(seed, 11_000).get("late")!.length, 4);
});

Deno.test("super-seeding: ends when readers have all between them, or one is left", () => {
  const spread = new SuperSeed<string>(PIECES);
  for (const reader of ["first", "a"]) spread.join(reader);
  spread.due(0);
  for (let piece = 0; piece < PIECES; piece++) spread.has("first", piece, 0);
  assert.equal(told(spread, 0).get("a")!.length, PIECES - 4);
  assert.equal(spread.join("b"), true);

  const left = new SuperSeed<string>(PIECES);
  for (const reader of ["first", "a"]) left.join(reader);
  left.due(0);
  left.leave("first");
  assert.equal(told(left, 0).get("a")!.length, PIECES - 4);
});

Deno.test("super-seeding: whatever readers do, each can get every piece", () => {
  const step = fc.record({
    reader: fc.constantFrom("a", "b", "c", "d"),
    act: fc.constantFrom("join", "leave", "get", "get", "get", "claim"),
    piece: fc.nat(PIECES - 1),
  });
  fc.assert(fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
    const seed = new SuperSeed<string>(PIECES, () => 0.5);
    const known = new Map<string, Set<number>>();
    const have = new Map<string, Set<number>>();
    const hear = (now: number) => {
      for (const [reader, pieces] of seed.due(now)) {
        for (const piece of pieces) {
          assert.ok(!known.get(reader)!.has(piece), "told twice");
          known.get(reader)!.add(piece);
        }
      }
    };
    const everything = () => new Set(Array.from({ length: PIECES }, (_, i) => i));
    let now = 0;
    for (const { reader, act, piece } of steps) {
      now += 100;
      if (act === "join" && !known.has(reader)) {
        known.set(reader, seed.join(reader) ? everything() : new Set());
        have.set(reader, new Set());
      } else if (act === "leave") {
        seed.leave(reader);
        known.delete(reader);
        have.delete(reader);
      } else if (known.has(reader)) {
        const gotten = act === "claim"
          ? piece
          : [...known.get(reader)!].find((one) => !have.get(reader)!.has(one));
        if (gotten !== undefined) {
          have.get(reader)!.add(gotten);
          seed.has(reader, gotten, now);
        }
      }
      hear(now);
    }
    // From now on all are good: each gets what it knows of.
    for (let round = 0; round < 3 * PIECES; round++) {
      for (const [reader, pieces] of known) {
        for (const piece of pieces) {
          have.get(reader)!.add(piece);
          seed.has(reader, piece, now);
        }
        hear(now += 100);
      }
    }
    for (const pieces of have.values()) assert.equal(pieces.size, PIECES);
  }));
});
