/** The figures of `gtr status`: `lib/daemon/status.ts`. */
import assert from "node:assert/strict";
import { engineStatus } from "../../../lib/daemon/status.ts";
import type { Health } from "../../../lib/ports/health.ts";
import { makeParts, tempDir } from "../engine/fixture.ts";
import { MemoryNetwork, MemoryNode } from "../engine/memory_network.ts";

Deno.test("status: a slow network is waited for a moment; what it finds out is told the next time", async () => {
  await using temp = await tempDir();
  const answer = Promise.withResolvers<Health>();
  const told: { health?: Health } = {};
  let asked = 0;
  const slow = Object.assign(new MemoryNode(new MemoryNetwork(), "holepunch"), {
    probe: () => (asked++, answer.promise),
    now: () => told.health ? Promise.resolve(told.health) : Promise.reject(new Error("shut")),
  });
  const parts = await makeParts(temp.path, [slow]);
  const engine = { parts, hindrances: () => Promise.resolve([]) };
  const first = await engineStatus(engine, 0);
  await engineStatus(engine, 0);
  assert.deepEqual([first.transports, first.warnings, asked], [{ holepunch: {} }, [], 1]);
  told.health = { reachable: true, summary: "locked", hint: "unlock it", details: { nodes: 3 } };
  answer.resolve(told.health);
  const { transports, warnings } = await engineStatus(engine, 0);
  assert.deepEqual(transports, { holepunch: { nodes: 3 } });
  assert.deepEqual(warnings, ["holepunch: locked (unlock it)"]);
});
