import assert from "node:assert/strict";
import { knownHoles } from "../../../lib/git_interface/known_holes.ts";

Deno.test("known holes: by series, and what is newer than all has none", () => {
  assert.deepEqual(knownHoles("2.51.0"), []);
  assert.deepEqual(knownHoles("2.50.1"), []);
  assert.deepEqual(knownHoles("2.50.0"), ["CVE-2025-48384"]);
  assert.deepEqual(knownHoles("2.43.7"), []);
  assert.deepEqual(knownHoles("2.43.6"), ["CVE-2025-48384"]);
  assert.deepEqual(knownHoles("2.45.0").length, 2);
  assert.deepEqual(knownHoles("2.39.5"), ["CVE-2025-48384"]);
  assert.deepEqual(knownHoles("2.34.1").length, 2);
});
