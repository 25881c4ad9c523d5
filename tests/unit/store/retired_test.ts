/** How many replaced packs are kept, and which. */
import assert from "node:assert/strict";
import { bytesOf, planPacks } from "../../../lib/manifest/plan_packs.ts";
import type { Manifest, PackRef } from "../../../lib/manifest/types.ts";
import {
  boundedRetired,
  EMPTY_STATE,
  type RepoState,
  type RetiredPack,
  settledState,
} from "../../../lib/store/repo_state.ts";

let made = 0;
const pack = (size: number): PackRef => {
  const name = (++made).toString(16).padStart(64, "0");
  return { sha256: name, size, infohash: name.slice(24), objects: 1, tips: [name.slice(24)] };
};
const retired = (size: number, since: number): RetiredPack => ({ pack: pack(size), since });

/** What a publication of so many bytes leads to; it comes `seconds` after the first. */
function published(state: RepoState, size: number, seconds: number): RepoState {
  const kept = planPacks(state.packs, size);
  const merged = pack(size + bytesOf(state.packs.slice(kept)));
  const packs = [...state.packs.slice(0, kept), merged];
  const manifest: Manifest = {
    version: 1,
    publisher: "a".repeat(64),
    name: "hello",
    sequence: state.sequence + 1,
    created: 0,
    objectFormat: "sha1",
    head: "refs/heads/main",
    refs: {},
    packs,
    endpoints: {},
  };
  const next = settledState(state, manifest, [...state.packs, merged]);
  const known = new Set(state.retired.map(({ pack }) => pack.sha256));
  const dated = next.retired.map((one) =>
    known.has(one.pack.sha256) ? one : { ...one, since: seconds }
  );
  return { ...next, retired: dated };
}

Deno.test("replaced packs don't add up, however often a repository is published", () => {
  let state: RepoState = EMPTY_STATE;
  for (let n = 1; n <= 2000; n++) {
    const before = state;
    state = published(state, 3000, n);
    const replaced = before.packs.filter((one) => !state.packs.includes(one));
    const names = state.retired.map(({ pack }) => pack);
    assert.deepEqual(names.slice(names.length - replaced.length), replaced);
    const limit = Math.max(32, state.packs.length);
    assert.ok(names.length <= Math.max(limit, replaced.length), `${n}: ${names.length} packs`);
    // What is merged can have no more than what it is merged into.
    assert.ok(bytesOf(names) <= bytesOf(state.packs), `${n}: ${bytesOf(names)} bytes`);
  }
});

Deno.test("replaced packs: the last ones stay together, earlier ones as long as they fit", () => {
  const packs = [pack(100)];
  const last = [retired(90, 2), retired(30, 2)];
  assert.deepEqual(boundedRetired([], packs), []);
  assert.deepEqual(boundedRetired(last, packs), last);
  assert.deepEqual(boundedRetired([retired(1, 1), ...last], packs), last);
  const fits = [retired(40, 0), retired(50, 1), retired(50, 2)];
  assert.deepEqual(boundedRetired(fits, packs), fits.slice(1));
  const many = Array.from({ length: 60 }, (_, i) => retired(1, i));
  assert.deepEqual(boundedRetired(many, packs), many.slice(-32));
  const forty = Array.from({ length: 40 }, () => pack(100));
  assert.deepEqual(boundedRetired(many, forty), many.slice(-40));
});
