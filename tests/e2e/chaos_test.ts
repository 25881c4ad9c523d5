/** A short run of `make chaos`. */
import assert from "node:assert/strict";
import { join } from "node:path";

const SCRIPT = join(import.meta.dirname!, "..", "..", "scripts", "chaos.ts");
const RUN_MS = 280_000;

Deno.test({
  name: "whatever is hurt at random moments, nothing is lost (needs Linux)",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "-A", SCRIPT],
      env: { CHAOS_ROUNDS: "9", CHAOS_SEED: "7" }, // each fault once
      signal: AbortSignal.timeout(RUN_MS),
    }).output();
    const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    assert.doesNotMatch(text, /, 9 faults hit nothing/);
    assert.match(text, /, 0 losses, 0 hangs, 0 other failures$/m, text);
    assert.ok(success, text);
  },
});
