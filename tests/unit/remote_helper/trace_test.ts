import assert from "node:assert/strict";
import { tracer } from "../../../lib/remote_helper/trace.ts";

Deno.test("steps are told with the milliseconds from the start, late ones with their own", () => {
  const lines: string[] = [];
  const trace = tracer(() => "1", (text) => void lines.push(text), () => 1234.56);
  trace?.("connected to gtd");
  trace?.("gtd: \x1b[2Jfirst\npeer", 34.5);
  assert.deepEqual(lines, [
    "gtr:  1234.6 ms  connected to gtd\n",
    "gtr:  1200.1 ms  gtd: ?[2Jfirst peer\n",
  ]);
  for (const off of [undefined, "", "0", "false", "OFF", "no"]) {
    assert.equal(tracer(() => off, () => {}), undefined);
  }
});
