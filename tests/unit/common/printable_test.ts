import assert from "node:assert/strict";
import { printable } from "../../../lib/common/printable.ts";

Deno.test("printable: no control character reaches the terminal but the end of a line", () => {
  assert.equal(printable("a\x1b]0;x\x07\r\tb\u009bc\nd"), "a?]0;x???b?c\nd");
});
