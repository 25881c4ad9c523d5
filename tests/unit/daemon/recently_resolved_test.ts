import assert from "node:assert/strict";
import { RecentlyResolved } from "../../../lib/daemon/recently_resolved.ts";
import type { Resolved } from "../../../lib/engine/fetch/resolve.ts";

const resolved = (sequence: number) =>
  ({ signed: { manifest: { sequence } } }) as unknown as Resolved;

Deno.test("what was resolved just now is known, and nothing older or else", () => {
  let now = 0;
  const recent = new RecentlyResolved(() => now);
  recent.add("a", resolved(1));
  assert.deepEqual(recent.get("a", 1), resolved(1));
  assert.equal(recent.get("a", 2), undefined);
  assert.equal(recent.get("b", 1), undefined);
  now = 30_001;
  assert.equal(recent.get("a", 1), undefined);
  recent.add("a", resolved(2));
  for (let i = 0; i < 16; i++) recent.add(`other-${i}`, resolved(1));
  assert.equal(recent.get("a", 2), undefined);
  assert.deepEqual(recent.get("other-0", 1), resolved(1));
});
