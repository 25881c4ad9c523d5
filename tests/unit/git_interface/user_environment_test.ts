import assert from "node:assert/strict";
import { configEnvironment } from "../../../lib/git_interface/user_environment.ts";

function settings(n: number, count: string): Record<string, string> {
  const numbered = Array.from({ length: n }, (_, i) => [
    [`GIT_CONFIG_KEY_${i}`, `test.k${i}`],
    [`GIT_CONFIG_VALUE_${i}`, ""],
  ]).flat();
  return { GIT_CONFIG_COUNT: count, ...Object.fromEntries(numbered) };
}

Deno.test("configEnvironment: passes all settings on, and a wrong count as it is", () => {
  for (
    const env of [
      settings(0, "0"),
      settings(2, "2"),
      settings(1500, "1500"),
      settings(1, "1000000000000000"),
      settings(0, "-1"),
      settings(0, "many"),
    ]
  ) {
    assert.deepEqual(configEnvironment((name) => env[name]), env);
  }
  const fewer = configEnvironment((name) => settings(3, "1")[name]);
  assert.deepEqual(fewer, settings(1, "1"));
});
