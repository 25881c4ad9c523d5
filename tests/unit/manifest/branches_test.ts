import assert from "node:assert/strict";
import * as fc from "fast-check";
import {
  branchesDiffer,
  isBranchName,
  listNames,
  missingBranches,
} from "../../../lib/manifest/branches.ts";

const oid = (digit: number) => String(digit).repeat(40);
const HELD = {
  head: "refs/heads/main",
  refs: {
    "refs/heads/main": oid(1),
    "refs/heads/dev": oid(2),
    "refs/heads/topic/a": oid(3),
    "refs/tags/v1": oid(4),
  },
};
/** What is held, with these refs changed; undefined deletes. */
const changed = (refs: Record<string, string | undefined>, head = HELD.head) => ({
  head,
  refs: Object.fromEntries(
    Object.entries({ ...HELD.refs, ...refs }).filter(([, id]) => id !== undefined),
  ) as Record<string, string>,
});

for (
  const [what, newest, branches, expected] of [
    ["nothing changed", changed({}), ["main", "dev"], false],
    ["a named one moved", changed({ "refs/heads/main": oid(5) }), ["main"], true],
    // The tips alone count: which way it moved is not looked at.
    ["a named one was forced back", changed({ "refs/heads/dev": oid(1) }), ["main", "dev"], true],
    ["another moved", changed({ "refs/heads/dev": oid(5) }), ["main", "topic/a"], false],
    ["a named one was deleted", changed({ "refs/heads/main": undefined }), ["main"], true],
    ["another was deleted", changed({ "refs/heads/main": undefined }), ["dev"], false],
    ["a named one was created", changed({ "refs/heads/new": oid(1) }), ["new"], true],
    ["another was created", changed({ "refs/heads/new": oid(1) }), ["main", "later"], false],
    ["a tag moved", changed({ "refs/tags/v1": oid(5) }), ["main", "v1"], false],
    ["a tag of that name was created", changed({ "refs/tags/main": oid(5) }), ["main"], false],
    ["only HEAD changed", changed({}, "refs/heads/dev"), ["main", "dev"], false],
    ["a part of the name", changed({ "refs/heads/topic/a": oid(5) }), ["topic", "a"], false],
    ["no pattern", changed({ "refs/heads/topic/a": oid(5) }), ["topic/*"], false],
    ["one of no branch at all", changed({}), ["later"], false],
  ] as const
) {
  Deno.test(`branches that matter: ${what}`, () => {
    assert.equal(branchesDiffer(branches, HELD, newest), expected);
    assert.equal(branchesDiffer(branches, newest, HELD), expected, "and the other way round");
  });
}

Deno.test("branches that matter: exactly those that differ, of any refs", () => {
  const names = fc.constantFrom("main", "dev", "a/b", "__proto__", "constructor");
  const refs = fc.dictionary(
    fc.tuple(fc.constantFrom("refs/heads/", "refs/tags/"), names).map((parts) => parts.join("")),
    fc.integer({ min: 1, max: 3 }).map(oid),
  );
  fc.assert(fc.property(refs, refs, fc.uniqueArray(names), (held, newest, branches) => {
    const differing = ["main", "dev", "a/b", "__proto__", "constructor"].filter((name) =>
      held[`refs/heads/${name}`] !== newest[`refs/heads/${name}`]
    );
    assert.equal(
      branchesDiffer(branches, { refs: held }, { refs: newest }),
      branches.some((branch) => differing.includes(branch)),
    );
  }));
});

Deno.test("branch names: git's own rules, and no patterns", () => {
  for (const name of ["main", "topic/a", "ä", "a,b"]) assert.equal(isBranchName(name), true, name);
  for (const name of ["", " ", "HEAD", "a..b", "-x", "topic/*", "a b", "x.lock", "/a", "a\x1b"]) {
    assert.equal(isBranchName(name), false, name);
  }
});

Deno.test("missing branches are named with those there are, at most ten of them", () => {
  const hello = { name: "hello", refs: HELD.refs };
  assert.equal(missingBranches(["main", "dev"], hello), undefined);
  assert.equal(missingBranches([], hello), undefined);
  assert.equal(
    missingBranches(["main", "x", "v1"], hello),
    "hello has no x, v1 now; it has main, dev, topic/a",
  );
  const none = { name: "hello", refs: { "refs/tags/v1": oid(1) } };
  assert.equal(missingBranches(["x"], none), "hello has no x now; it has no branch");
  const names = Array.from({ length: 500 }, (_, i) => `b${i}`);
  const many = Object.fromEntries(names.map((name) => [`refs/heads/${name}`, oid(1)]));
  const told = missingBranches(["x"], { name: "hello", refs: many })!;
  assert.match(told, /it has b0, .*, b9 and 490 others$/);
  assert.equal(listNames(names.slice(0, 11)).endsWith("b9 and 1 other"), true);
  assert.equal(listNames(names.slice(0, 12)).endsWith("b9 and 2 others"), true);
  assert.equal(listNames(names.slice(0, 10)), "b0, b1, b2, b3, b4, b5, b6, b7, b8, b9");
});
