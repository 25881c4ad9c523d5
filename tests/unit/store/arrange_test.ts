import assert from "node:assert/strict";
import fc from "fast-check";
import { arrangePacks } from "../../../lib/store/arrange.ts";

/** A capital letter is a pack with tips, another one belongs to the next capital. */
const pack = (name: string) => {
  const tips = /[A-Z]/.test(name) ? ["tip"] : [];
  return { sha256: name, size: 1, infohash: "", objects: 1, tips };
};

function arrange(wanted: string, stored: string, whole: string, fetched: string) {
  const { packs, trusted } = arrangePacks(
    { packs: [...wanted].map(pack) },
    [...stored].map(pack),
    new Set(whole),
    new Set(fetched),
  );
  return [packs.map(({ sha256 }) => sha256).join(""), trusted];
}

Deno.test("packs are trusted as far as they were checked in this order", () => {
  assert.deepEqual(arrange("AB", "", "", "AB"), ["AB", 0]); // first clone
  assert.deepEqual(arrange("ABC", "AB", "AB", "C"), ["ABC", 2]); // one more
  assert.deepEqual(arrange("AD", "ABC", "ABC", "D"), ["AD", 1]); // consolidated
  assert.deepEqual(arrange("BC", "AB", "AB", "C"), ["BC", 0]); // B may need A
  assert.deepEqual(arrange("BA", "AB", "AB", ""), ["BA", 0]); // another order
  assert.deepEqual(arrange("ABC", "ABC", "AC", "B"), ["ABC", 1]); // lost, fetched again
  assert.deepEqual(arrange("A", "A", "A", "A"), ["A", 1]); // fetched for nothing
});

Deno.test("packs that were made as one are trusted as one", () => {
  assert.deepEqual(arrange("AbCdE", "AbC", "AbC", "dE"), ["AbCdE", 3]);
  assert.deepEqual(arrange("AbCE", "AbC", "AbC", "E"), ["AbCE", 3]);
  assert.deepEqual(arrange("AbD", "AbC", "AbC", "D"), ["AbD", 1]); // b may need C
  assert.deepEqual(arrange("Ab", "AbC", "AbC", ""), ["Ab", 1]);
  assert.deepEqual(arrange("abC", "abC", "aC", "b"), ["abC", 0]); // lost, fetched again
});

Deno.test("while packs are skipped, those that have their content are kept", () => {
  assert.deepEqual(arrange("D", "ABC", "ABC", ""), ["ABC", 3]);
  assert.deepEqual(arrange("DE", "ABC", "ABC", "E"), ["ABCE", 3]);
  assert.deepEqual(arrange("DE", "ABCE", "ABCE", "D"), ["DE", 0]);
});

Deno.test("packs behind one that is lost are kept only where the manifest lists them", () => {
  assert.deepEqual(arrange("DE", "ABC", "AC", "E"), ["AE", 1]);
  assert.deepEqual(arrange("DCE", "ABC", "AC", "E"), ["ACE", 1]);
  assert.deepEqual(arrange("DE", "AbC", "AC", "E"), ["AE", 1]);
  assert.deepEqual(arrange("DE", "AbC", "Ab", "E"), ["AE", 1]);
});

Deno.test("no pack is arranged that is not at hand, and trust is a prefix of what is stored", () => {
  const letters = fc.uniqueArray(fc.constantFrom(..."ABCdef")).map((list) => list.join(""));
  fc.assert(fc.property(letters, letters, letters, letters, (wanted, stored, onDisk, fetched) => {
    const whole = [...stored].filter((name) => onDisk.includes(name)).join("");
    const [packs, trusted] = arrange(wanted, stored, whole, fetched) as [string, number];
    assert.equal(new Set(packs).size, packs.length);
    for (const name of packs) assert.ok(whole.includes(name) || fetched.includes(name));
    assert.ok(stored.startsWith(packs.slice(0, trusted)));
    for (const name of packs.slice(0, trusted)) assert.ok(whole.includes(name));
  }));
});
