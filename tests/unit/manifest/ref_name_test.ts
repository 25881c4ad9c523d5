import fc from "fast-check";
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  conflictingRef,
  isValidRefName,
  MAX_REF_NAME,
  refNameFault,
} from "../../../lib/manifest/ref_name.ts";

/** What git itself says of a whole ref name. */
function gitAccepts(name: string): boolean {
  const { status, error } = spawnSync("git", ["check-ref-format", name]);
  if (error) throw error;
  return status === 0;
}

/** Names that are mostly made of what the rules are about. */
const nasty = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(..."abz09_-./") },
    {
      weight: 2,
      arbitrary: fc.constantFrom("..", "@", "@{", "{", "}", ".lock", "lock", "//", "HEAD"),
    },
    { weight: 1, arbitrary: fc.constantFrom(..." ~^:?*[]\\\x01\x1f\x7f\x80é€\n\t\"'$`|&;%+=,!#") },
  ),
  { maxLength: 8 },
).map((parts) => parts.join(""));

Deno.test("isValidRefName agrees with git check-ref-format", () => {
  fc.assert(
    fc.property(fc.constantFrom("refs/heads/", "refs/tags/"), nasty, (prefix, rest) => {
      const name = prefix + rest;
      const stricter = /\/-/.test(name) || name === "refs/heads/HEAD";
      assert.equal(isValidRefName(name), gitAccepts(name) && !stricter, JSON.stringify(name));
    }),
    { numRuns: 300 },
  );
});

Deno.test("isValidRefName accepts the names that people use", () => {
  for (
    const name of [
      "refs/heads/main",
      "refs/heads/feature/x",
      "refs/heads/fix-#12",
      "refs/heads/user@host",
      "refs/heads/@",
      "refs/heads/été",
      "refs/heads/a.lock.b",
      "refs/tags/v1.0.0-rc.1",
      "refs/tags/HEAD",
    ]
  ) assert.equal(isValidRefName(name), true, name);
});

Deno.test("isValidRefName refuses what is no branch or tag, or could do harm", () => {
  for (
    const name of [
      "",
      "HEAD",
      "main",
      "refs/heads",
      "refs/heads/",
      "refs/heads/HEAD",
      "refs/remotes/origin/main",
      "refs/notes/commits",
      "/refs/heads/main",
      "xrefs/heads/main",
      "refs/heads/../../config",
      "refs/heads/-x",
      "refs/heads/a/-b",
      "refs/heads/.hidden",
      "refs/heads/main.lock",
      "refs/heads/a.lock/b",
      "refs/heads/a//b",
      "refs/heads/a/",
      "refs/heads/a.",
      "refs/heads/a\0b",
      "refs/heads/a\nb",
      "refs/heads/a\ud800",
      "__proto__",
      `refs/heads/${"x".repeat(MAX_REF_NAME - 10)}`,
      `refs/heads/${"é".repeat(MAX_REF_NAME / 2 - 5)}`,
    ]
  ) assert.equal(isValidRefName(name), false, JSON.stringify(name));
  assert.equal(isValidRefName(`refs/heads/${"x".repeat(MAX_REF_NAME - 11)}`), true);
});

Deno.test("refNameFault says which rule it is", () => {
  for (
    const [name, why] of [
      ["refs/heads/main", undefined],
      ["refs/notes/x", /neither a branch nor a tag/],
      ["refs/heads/HEAD", /can't be called HEAD/],
      ["refs/heads/a..b", /git does not allow/],
      ["refs/heads/.a", /git does not allow/],
      ["refs/heads/a\ud800", /git does not allow/],
      ["refs/heads/-a", /starts with "-"/],
      [`refs/heads/${"x".repeat(MAX_REF_NAME)}`, /over 250 bytes/],
      [`refs/heads/${"é".repeat(MAX_REF_NAME / 2)}`, /over 250 bytes/],
    ] as const
  ) {
    if (why) assert.match(refNameFault(name) ?? "none", why, name);
    else assert.equal(refNameFault(name), undefined);
  }
  assert.equal(isValidRefName(`refs/tags/${"é".repeat(120)}`), true);
});

Deno.test("isValidRefName answers for any text", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    assert.equal(typeof isValidRefName(`refs/heads/${text}`), "boolean");
  }));
});

Deno.test("conflictingRef finds a ref that is a folder of another", () => {
  assert.equal(conflictingRef(["refs/heads/a", "refs/heads/ab", "refs/tags/a/b"]), undefined);
  assert.equal(conflictingRef(["refs/heads/a/b", "refs/heads/a"]), "refs/heads/a/b");
  assert.equal(conflictingRef(["refs/heads/a", "refs/heads/a/b/c"]), "refs/heads/a/b/c");
  assert.equal(conflictingRef([]), undefined);
});
