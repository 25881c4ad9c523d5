import assert from "node:assert/strict";
import { refListing } from "../../../lib/remote_helper/list.ts";

const A = "a".repeat(40);
const B = "b".repeat(40);
const state = {
  objectFormat: "sha1",
  head: "refs/heads/main",
  refs: { "refs/tags/v1": B, "refs/heads/main": A },
} as const;

Deno.test("list: HEAD as a symbolic ref, then all refs in order", () => {
  assert.deepEqual(refListing(state, { forPush: false, objectFormat: false }), [
    "@refs/heads/main HEAD",
    `${A} refs/heads/main`,
    `${B} refs/tags/v1`,
  ]);
});

Deno.test("list: the object format only where git asked for it", () => {
  const lines = refListing(state, { forPush: false, objectFormat: true });
  assert.equal(lines[0], ":object-format sha1");
});

Deno.test("list: what annotated tags lead to, behind the tag", () => {
  const asked = { forPush: false, objectFormat: false };
  const peeled = { "refs/tags/v1": A };
  assert.deepEqual(refListing({ ...state, peeled }, asked).slice(-2), [
    `${B} refs/tags/v1`,
    `${A} refs/tags/v1^{}`,
  ]);
});

Deno.test("list: no HEAD for pushing, nor where its branch does not exist", () => {
  for (
    const lines of [
      refListing(state, { forPush: true, objectFormat: false }),
      refListing({ ...state, peeled: { "refs/tags/v1": A } }, {
        forPush: true,
        objectFormat: false,
      }),
      refListing({ ...state, head: "refs/heads/other" }, { forPush: false, objectFormat: false }),
    ]
  ) assert.deepEqual(lines, [`${A} refs/heads/main`, `${B} refs/tags/v1`]);
  assert.deepEqual(refListing({ ...state, refs: {} }, { forPush: false, objectFormat: false }), []);
});
