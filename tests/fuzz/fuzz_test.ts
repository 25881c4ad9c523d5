/** The kept inputs, and some thousand made from them. `make fuzz` reads a million. */
import assert from "node:assert/strict";
import { fuzz } from "./fuzz.ts";
import { SHARES } from "./targets.ts";

const LIMITS = { count: 5000, seed: 1, ms: 4000 };

for (const target of Object.keys(SHARES)) {
  Deno.test({
    name: `fuzz: ${target}`,
    sanitizeOps: false, // of the thread
    sanitizeResources: false,
    fn: async () => {
      const { fault, crasher, kept, keptAccepted } = await fuzz(target, LIMITS);
      assert.equal(fault, undefined, `${fault}\nkept as ${crasher}`);
      assert.ok(kept >= 3, "a corpus");
      assert.ok(keptAccepted >= 1, "a corpus with inputs that are right");
    },
  });
}
