import assert from "node:assert/strict";
import { printable, printableLine } from "../../../lib/common/printable.ts";

Deno.test("printable: no control character reaches the terminal but the end of a line", () => {
  assert.equal(printable("a\x1b]0;x\x07\r\tb\u009bc\nd"), "a?]0;x???b?c\nd");
});

Deno.test("printable: on one line, as long as it may be", () => {
  assert.equal(printableLine("a\nb\x1b[2Jc\x9b"), "a?b?[2Jc?");
  assert.equal(printableLine("a\nbc", 3), "a?b");
});
