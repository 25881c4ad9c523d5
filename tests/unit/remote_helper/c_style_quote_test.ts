import assert from "node:assert/strict";
import { quoteCStyle, unquoteCStyle } from "../../../lib/remote_helper/c_style_quote.ts";

Deno.test("unquoteCStyle: reads what git's quote_c_style writes", () => {
  for (
    const [quoted, plain] of [
      ["blob:none", "blob:none"],
      ['"refs/heads/\\303\\244"', "refs/heads/ä"],
      ['"a\\tb\\"c\\\\d\\n"', 'a\tb"c\\d\n'],
      ['"äb"', "äb"],
      ['"', '"'],
      ["", ""],
      ['""', ""],
      ['"open', '"open'],
      ['shut"', 'shut"'],
      ['"\\a\\b\\v\\f\\r"', "\x07\b\v\f\r"],
      ['"\\q\\377"', "\\q\ufffd"],
      ['"\\400"', "\\400"],
      ['"\\001\\0011"', "\x01\x011"],
      ['"two\nlines"', "two\nlines"],
    ] as const
  ) assert.equal(unquoteCStyle(quoted), plain, quoted);
});

Deno.test("quoteCStyle: quotes only what git would misread, on one line", () => {
  assert.equal(quoteCStyle("fetch first"), "fetch first");
  assert.equal(quoteCStyle('say "no"'), 'say "no"');
  for (const text of ["two\nlines", '"quoted"', "back\\slash\r\n"]) {
    const quoted = quoteCStyle(text);
    assert.ok(!quoted.includes("\n"), quoted);
    assert.equal(unquoteCStyle(quoted), text);
  }
});
